// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Where there is no task storage, which ends with its task: takes the task out of the hash map
 * before its memory can become another's. It is the last that is ever seen of a task.
 */
#include "state.h"

SEC("tp_btf/sched_process_free")
int task_free(u64 *ctx)
{
	task_drop((struct task_struct *)ctx[0]);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
