// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * System calls of traced tasks, by number. The dearest probe, for it runs for every task on the
 * machine, at each of its calls.
 */
#include "state.h"

/* A 32-bit program: CS is __USER32_CS, or PSTATE says AArch32. */
static __always_inline bool is_32bit(struct pt_regs *regs)
{
	if (field_exists(regs->cs))
		return regs->cs == 0x23;
	if (field_exists(((struct pt_regs___arm64 *)regs)->pstate))
		return ((struct pt_regs___arm64 *)regs)->pstate & 0x10;
	return false;
}

SEC("tp_btf/sys_enter")
int sys_enter(u64 *ctx)
{
	struct task *ts = task_get_current();
	u32 epoch = ctl.epoch, i;
	struct cpu *c;

	if (likely(!ts) || !epoch || ts->epoch != epoch)
		return 0;
	c = this_cpu();
	if (!c)
		return 0;

	i = ctx[1];
	if (unlikely(is_32bit((struct pt_regs *)ctx[0])))
		i = SYSCALL_32BIT;
	else if (unlikely(i >= SYSCALLS))
		i = SYSCALL_OTHER;
	c->syscalls[i]++;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
