// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Tasks that appear, programs they start, and tasks that the kernel frees. That a task ends is seen
 * at its last switch.
 */
#include "once.h"

/*
 * Every new task passes here, before its first wake-up: those of fork and clone, and io_uring's
 * workers, which sched_process_fork does not show. Current is the one that makes it.
 */
SEC("tp_btf/task_newtask")
int task_newtask(u64 *ctx)
{
	struct task_struct *t = (struct task_struct *)ctx[0];
	u32 maker = bpf_get_current_pid_tgid() >> 32;
	u32 epoch = ctl.epoch;
	struct task *ms, *ts;
	struct window *w;
	bool in;

	task_drop(t); /* what has its address was another, see traced_remove */
	ms = task_get_current(task_current());
	if (likely(!ms) || !ctl.adopting)
		return 0;
	in = epoch && ms->epoch == epoch && !ctl.closing;
	w = in ? window_of(epoch) : NULL;
	if (in) {
		if (t->tgid == maker)
			ms->n[COUNT_THREADS]++;
		else
			ms->n[COUNT_FORKS]++;
	}
	ts = task_make(t) ? task_get(t) : NULL;
	if (!ts) {
		if (w)
			__sync_fetch_and_add(&w->lost_alloc, 1);
		return 0;
	}
	ts->id = id_next(false);
	ts->synced = 1; /* its books are empty */
	ts->tid = task_nr(t);
	ts->tgid = t->tgid == maker ? ms->tgid : ts->tid;
	if (!w)
		return 0;
	ts->place = place_next(false);
	__sync_fetch_and_add(admit(t, ts, epoch) ? &w->born : &w->lost_alloc, 1);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int sched_process_exec(u64 *ctx)
{
	struct task_struct *t = (struct task_struct *)ctx[0];
	struct task *ts = task_get(t);

	if (likely(!ts))
		return 0;
	ts->n[COUNT_EXECS]++;
	ts->tid = task_nr(t); /* a thread that is not the leader takes the leader's number */
	return 0;
}

/* The last that is ever seen of a task: its slot, and its address, can be another's. */
SEC("tp_btf/sched_process_free")
int task_free(u64 *ctx)
{
	task_drop((struct task_struct *)ctx[0]);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
