// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Page fault exceptions of traced tasks, by the mode they were taken in. */
#include "state.h"

SEC("tp_btf/page_fault_user")
int page_fault_user(u64 *ctx)
{
	struct task *ts = task_get_current(task_current());

	if (ts)
		ts->n[COUNT_FAULTS_USER]++;
	return 0;
}

/* Those on the kernel's own addresses are no business of the task. */
SEC("tp_btf/page_fault_kernel")
int page_fault_kernel(u64 *ctx)
{
	struct task *ts;

	if (ctx[0] >= user_top)
		return 0;
	ts = task_get_current(task_current());
	if (ts)
		ts->n[COUNT_FAULTS_KERNEL]++;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
