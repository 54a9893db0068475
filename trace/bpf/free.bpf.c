// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The last that is ever seen of a task: its slot, and its address, can be another's. */
#include "state.h"

SEC("tp_btf/sched_process_free")
int task_free(u64 *ctx)
{
	task_drop((struct task_struct *)ctx[0]);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
