// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * System calls of traced tasks, by ABI and number. The dearest probe, for it runs for every task on
 * the machine, at each of its calls.
 */
#include "context.h"

SEC("tp_btf/sys_enter")
int sys_enter(u64 *ctx)
{
	struct task_struct *t = task_current();
	struct task *ts = task_get_current(t);
	u32 epoch = ctl.epoch, nr, abi = SYSCALL_NATIVE;
	const struct pt_regs *regs;
	struct cpu *c;

	if (likely(!ts) || !epoch || ts->epoch != epoch)
		return 0;
	c = this_cpu();
	if (!c)
		return 0;

	regs = (const struct pt_regs *)ctx[0];
	nr = ctx[1];
	if (unlikely(compat_call(t, regs))) {
		abi = SYSCALL_COMPAT;
	} else if (field_exists(regs->orig_ax) && unlikely(x32_call(nr))) {
		abi = SYSCALL_X32;
		nr &= ~X32_SYSCALL_BIT;
	}
	if (unlikely(nr >= SYSCALL_OTHER))
		nr = SYSCALL_OTHER;
	c->syscalls[abi * SYSCALLS + nr]++;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
