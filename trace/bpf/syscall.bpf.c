// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * System calls of traced tasks, by ABI and number. The dearest probe, for it runs for every task on
 * the machine, at each of its calls.
 */
#include "context.h"

/* Whose numbers a system call's is one of. */
enum syscall_abi {
	SYSCALL_NATIVE = 0,
	SYSCALL_COMPAT = 1, /* 32-bit: i386 on x86, arm on arm64 */
	SYSCALL_X32 = 2,    /* x86: 64-bit code with 32-bit addresses */
	SYSCALL_ABIS = 3,
};

/* The places each ABI has. */
enum syscall_slots {
	SYSCALL_OTHER = 639, /* every number from it on; the highest in use is 547, of x32 */
	SYSCALLS = 640,
	SYSCALL_SLOTS = 1920, /* all ABIs' */
};
_Static_assert(SYSCALL_SLOTS == SYSCALL_ABIS * SYSCALLS, "enum syscall_slots");

/* One value: of each CPU, how many calls. They only grow. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64[SYSCALL_SLOTS]);
} syscall_counts SEC(".maps");

SEC("tp_btf/sys_enter")
int sys_enter(u64 *ctx)
{
	struct task_struct *t = task_current();
	struct task *ts = task_get_current(t);
	u32 epoch = ctl.epoch, zero = 0, nr, abi = SYSCALL_NATIVE;
	const struct pt_regs *regs;
	u64 *counts;

	if (likely(!ts) || !epoch || ts->epoch != epoch)
		return 0;
	counts = bpf_map_lookup_elem(&syscall_counts, &zero);
	if (!counts)
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
	counts[abi * SYSCALLS + nr]++;
	return 0;
}

/* BTF keeps only types that are used; Go's are made from these. */
const volatile struct {
	enum syscall_abi syscall_abi;
	enum syscall_slots syscall_slots;
} types;

char LICENSE[] SEC("license") = "Dual BSD/GPL";
