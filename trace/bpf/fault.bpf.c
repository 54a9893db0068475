// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Page fault exceptions of traced tasks, by the mode they were taken in. */
#include "state.h"

/* The columns of trace/probe_fault.go, in its order. */
enum { USER, KERNEL };

SEC("tp_btf/page_fault_user")
int page_fault_user(u64 *ctx)
{
	count_current(USER, 1);
	return 0;
}

/* Those on the kernel's own addresses are no business of the task. */
SEC("tp_btf/page_fault_kernel")
int page_fault_kernel(u64 *ctx)
{
	if (ctx[0] < user_top)
		count_current(KERNEL, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
