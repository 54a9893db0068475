// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The walk over all tasks in record depth: to trace those that exist already, and to hand over what
 * the kernel's own books say of each at both ends of the window.
 */
#include "follow.h"
#include "ring.h"

static __always_inline void follow(struct task_struct *t)
{
	bool root = follow_root(t);

	if (root)
		rec.root++;
	switch (follow_task(t, root, record_add, record_drop)) {
	case FOLLOW_LOST:
		rec.lost++;
		break;
	case FOLLOW_NEW:
		rec.found++;
		break;
	case FOLLOW_NOT:
		break;
	}
}

static __always_inline void snapshot(struct seq_file *out, struct task_struct *t)
{
	struct record_snapshot s = {};

	s.r.time = bpf_ktime_get_boot_ns();
	s.r.task = t->pid;
	s.r.cpu = task_cpu(t);
	if (task_on_cpu(t))
		s.r.flags |= SNAPSHOT_ON_CPU;
	if (task_queued(t))
		s.r.flags |= SNAPSHOT_QUEUED;
	if (record_all || is_traced(t))
		s.r.flags |= SNAPSHOT_TRACED;
	if (t->flags & PF_KTHREAD)
		s.r.flags |= SNAPSHOT_KERNEL;
	if (t->tgid == ctl.self)
		s.r.flags |= SNAPSHOT_TRACER;
	if (t->exit_state)
		s.r.flags |= SNAPSHOT_EXITING;
	s.tgid = t->tgid;
	s.parent = t->real_parent->tgid;
	s.nr = task_nr(t);
	s.state = task_state(t) | t->exit_state;
	s.prio = t->prio;
	s.start = t->start_boottime;
	s.nvcsw = t->nvcsw;
	s.nivcsw = t->nivcsw;
	s.exec = t->se.sum_exec_runtime;
	/*
	 * One that was moved to another queue while it slept (6.12) is waiting to the kernel, and
	 * when it has come to a CPU that will be added, from before anybody looked.
	 */
	if (field_exists(t->sched_info.run_delay) &&
	    (s.r.flags & (SNAPSHOT_ON_CPU | SNAPSHOT_QUEUED) || !t->sched_info.last_queued)) {
		s.r.flags |= SNAPSHOT_RUN_DELAY;
		s.run_delay = t->sched_info.run_delay;
	}
	__builtin_memcpy(s.comm, t->comm, sizeof(s.comm));
	bpf_seq_write(out, &s, sizeof(s));
}

SEC("iter/task")
int rec_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;

	if (!t)
		return 0;
	switch (ctl.mode) {
	case RECORD_WALK_SELF:
		learn_self(ring_of());
		break;
	case RECORD_WALK_FOLLOW:
		follow(t);
		break;
	case RECORD_WALK_SNAPSHOT:
		snapshot(ctx->meta->seq, t);
		break;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
