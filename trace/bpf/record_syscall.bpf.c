// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Entry and exit of the traced tasks' system calls. */
#include "ring.h"

static __always_inline int syscall(u8 kind, const struct pt_regs *regs, s64 value)
{
	struct record_syscall *s;
	struct task_struct *t;
	u8 flags = 0;

	if (!rec.on)
		return 0;
	t = task_current();
	if (!record_all && traced_current(t) < 0)
		return 0;
	if (unlikely(compat_call(t, regs)))
		flags |= RECORD_COMPAT;
	s = ring_reserve(struct record_syscall, record_clock());
	if (!s)
		return 0;
	record_head(&s->r, record_clock(), kind, flags, bpf_get_current_pid_tgid());
	s->value = value;
	ring_submit(s, sizeof(*s));
	return 0;
}

SEC("tp_btf/sys_enter")
int rec_sys_enter(u64 *ctx)
{
	return syscall(RECORD_SYSCALL_ENTER, (const struct pt_regs *)ctx[0], (s64)ctx[1]);
}

SEC("tp_btf/sys_exit")
int rec_sys_exit(u64 *ctx)
{
	return syscall(RECORD_SYSCALL_EXIT, (const struct pt_regs *)ctx[0], (s64)ctx[1]);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
