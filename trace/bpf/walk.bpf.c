// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The walk over all tasks: to follow those that exist already, and to read each task's counts
 * together with the kernel's own books at both ends of a window. One walk at a time.
 */
#include "follow.h"
#include "once.h"
#include "stranded.h"

/*
 * How often a task is read, if it takes that. Kernels before 5.17 have no bpf_loop, and verify each
 * turn of a loop apart: for them this is built again with BOUNDED, with few turns that take longer.
 */
#ifndef BOUNDED
#define TRIES 256
#else
#define TRIES 16
#endif

static __always_inline struct walk *walk_of(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&walks, &zero);
}

/*
 * What a task does that no event has told of yet. In the middle of a switch away from it, what it
 * will do: it is on its CPU until that is over, but another is the CPU's current one from before
 * the event on, and it has left the queue if it is to block. Without groups in the kernel there is
 * no way from a task to its CPU, and one that goes while it could run seems to stay.
 */
static __always_inline u32 state_of(struct task_struct *t)
{
	bool queued = task_queued(t), on = task_on_cpu(t);

	if (field_exists(t->se.cfs_rq->rq))
		on = on && t->se.cfs_rq->rq->curr == t;
	else
		on = on && queued;
	if (on)
		return STATE_ON;
	return queued ? STATE_READY : STATE_BLOCKED;
}

static __always_inline void adopt(struct task_struct *t, struct walk *w)
{
	bool root = follow_root(t);
	u64 now, mark;
	struct task *ts;
	u32 state;

	if (root)
		w->root++;
	switch (follow_task(t, root, task_make, task_drop)) {
	case FOLLOW_NOT:
		return;
	case FOLLOW_LOST:
		w->lost_alloc++;
		return;
	case FOLLOW_NEW:
		break;
	}
	ts = task_get(t);
	if (!ts)
		return;
	ts->id = id_next(true);
	ts->exec = t->se.sum_exec_runtime;
	ts->tid = task_nr(t);
	ts->tgid = task_nr(t->group_leader);
	w->found++;
	/* Only if no event came in between. */
	now = clock();
	mark = mark_at(now, state_of(t));
	if (mark_swap(ts, 0, mark))
		return;
	ts->life = now;
	/*
	 * One whose switch began before it was followed, but became visible since: there will be no
	 * event to put it right. If there is one, it finds a task that was not seen to come.
	 */
	state = state_of(t);
	if ((mark & 3) == STATE_ON && state != STATE_ON)
		mark_swap(ts, mark, mark_at(now, state));
}

struct reading {
	struct task_struct *t;
	struct task *ts;
	struct walk *w;
};

/* One try at reading what changes at every switch. Returns 1 when it is consistent. */
#ifdef BOUNDED
static
	__always_inline
#else
static
#endif
	long
	read_steady(u32 i, struct reading *r)
{
	volatile struct task_struct *t = r->t;
	volatile struct task *ts = r->ts;
	struct walk *w = r->w;
	u64 *n = w->scratch.n;
	u64 mark, explained, nvcsw, nivcsw;
	bool steady;

	mark = ts->mark;
	n[COUNT_ON_CPU] = ts->n[COUNT_ON_CPU];
	n[COUNT_RUN_QUEUE] = ts->n[COUNT_RUN_QUEUE];
	n[COUNT_BLOCKED] = ts->n[COUNT_BLOCKED];
	n[COUNT_UNKNOWN] = ts->n[COUNT_UNKNOWN];
	n[COUNT_VOLUNTARY] = ts->n[COUNT_VOLUNTARY];
	n[COUNT_INVOLUNTARY] = ts->n[COUNT_INVOLUNTARY];
	nvcsw = t->nvcsw;
	nivcsw = t->nivcsw;
	explained = n[COUNT_ON_CPU] + n[COUNT_RUN_QUEUE] + n[COUNT_BLOCKED] + n[COUNT_UNKNOWN];
	steady = ts->mark == mark && (!mark || explained == (mark >> 2) - ts->life);
	if (ts->synced) {
		if (nvcsw - ts->nvcsw_off != n[COUNT_VOLUNTARY])
			steady = false;
		if (nivcsw - ts->nivcsw_off != n[COUNT_INVOLUNTARY])
			steady = false;
	} else if (field_exists(r->t->se.cfs_rq->rq)) {
		/*
		 * It has not switched yet. It must not be about to: no longer the one its CPU runs,
		 * and not gone either.
		 */
		if (task_on_cpu(r->t) && r->t->se.cfs_rq->rq->curr != r->t)
			steady = false;
		if (ts->mark != mark)
			steady = false;
	} else {
		/* See that it does not for longer than a switch takes. */
		if (nvcsw != n[COUNT_NVCSW] || nivcsw != n[COUNT_NIVCSW])
			w->still = 0;
		if (++w->still < TRIES / 2)
			steady = false;
	}
	n[COUNT_NVCSW] = nvcsw;
	n[COUNT_NIVCSW] = nivcsw;
	w->mark = mark;
	w->steady = steady;
	return steady;
}

static __always_inline void read_often(struct reading *r)
{
#ifndef BOUNDED
	bpf_loop(TRIES, read_steady, r, 0);
#else
	for (u32 i = 0; i < TRIES; i++) {
		if (read_steady(i, r))
			break;
		/* 256 tries take a few µs, longer than a switch: let these take as long. */
		for (u32 j = 0; j < 16; j++)
			clock();
	}
#endif
}

/*
 * Reads a task that other CPUs are writing. It stands still when its own sums explain its mark, and
 * when the kernel's counters are as far ahead of ours as they always are; in the middle of a switch
 * they are not.
 */
static __always_inline bool snapshot(struct task_struct *t, struct task *ts, struct walk *w)
{
	struct reading r = { t, ts, w };
	u64 *n = w->scratch.n, mark = ts->mark, now, open, on = 0;
	struct offline *o = NULL;

	/* Its CPU is offline: it stands still, though the kernel counted a switch that we could not
	 * see. */
	if (mark && (mark & 3) == STATE_ON)
		o = stranded(t, mark >> 2);
	w->still = 0;
	w->steady = 0;
	read_often(&r);
	if (!w->steady && !o && !ctl.force)
		return false;

	mark = w->mark;
	n[COUNT_WAKEUPS] = ts->n[COUNT_WAKEUPS];
	n[COUNT_WAKEUPS_IRQ] = ts->n[COUNT_WAKEUPS_IRQ];
	n[COUNT_ADDRESS_SPACE] = ts->n[COUNT_ADDRESS_SPACE];
	n[COUNT_THREAD] = ts->n[COUNT_THREAD];
	n[COUNT_KEPT] = ts->n[COUNT_KEPT];
	n[COUNT_LAZY] = ts->n[COUNT_LAZY];
	n[COUNT_MIGRATIONS] = ts->n[COUNT_MIGRATIONS];
	for (u32 i = COUNT_YIELDS; i < COUNT_UNKNOWN; i++)
		n[i] = ts->n[i];

	read_books(t, n);
	n[COUNT_EXITS] = 0;
	n[COUNT_LIFE] = 0;
	if (!mark)
		return true;

	/* The state it is in goes on: count it up to now. */
	now = clock();
	open = (s64)(now - (mark >> 2)) < 0 ? 0 : now - (mark >> 2);
	n[COUNT_LIFE] = (mark >> 2) + open - ts->life;
	if (o) {
		n[COUNT_UNKNOWN] += open;
		stranded_note(t, ts, o, n[COUNT_UNKNOWN]);
		return true;
	}
	if ((mark & 3) == STATE_ON)
		on = open;
	else if (task_on_cpu(t)) /* it was not seen to come */
		on = n[COUNT_SUM_EXEC] - ts->exec;
	if (on > open)
		on = open;
	n[COUNT_ON_CPU] += on;
	n[(mark & 3) == STATE_BLOCKED ? COUNT_BLOCKED : COUNT_RUN_QUEUE] += open - on;
	return true;
}

static __always_inline u64 stamp(struct walk *w)
{
	w->last = clock();
	if (!w->first)
		w->first = w->last;
	return w->last;
}

static __always_inline void open(struct task_struct *t, struct walk *w)
{
	struct task *ts = task_get(t);
	u32 epoch = ctl.epoch;

	if (!ts || ts->dead || ts->epoch == epoch)
		return;
	if (!snapshot(t, ts, w)) {
		w->unsteady++;
		return;
	}
	for (u32 i = 0; i < COUNTS; i++)
		ts->base[i] = w->scratch.n[i];
	ts->opened = stamp(w);
	ts->place = place_next(true);
	if (!admit(t, ts, epoch)) {
		w->lost_alloc++;
		return;
	}
	/*
	 * Had it ended by then, nobody would account for it: take it back. If it ended since, it
	 * was accounted for.
	 */
	if (ts->dead && claim(t, ts, epoch))
		return;
	w->found++;
}

/* Once for both: the reading is most of the program. */
static __always_inline void read_or_close(struct task_struct *t, struct walk *w,
					  struct seq_file *reader)
{
	struct task *ts = task_get(t);
	bool closing = ctl.mode == WALK_CLOSE;
	u32 epoch = ctl.epoch;
	struct row *r = NULL;

	if (!ts || ts->epoch != epoch)
		return;
	if (!snapshot(t, ts, w)) {
		w->unsteady++;
		return;
	}
	for (u32 i = 0; i < COUNTS; i++)
		w->scratch.n[i] -= ts->base[i];
	if (closing) {
		if (!claim(t, ts, epoch))
			return;
		r = row_new(t, ts, ROW_WALK);
	} else if (has_row(ts)) {
		row_name(&w->scratch, t, ts);
		/* Without room for it the kernel forgets what was written, and comes again. */
		if (bpf_seq_write(reader, &w->scratch, sizeof(w->scratch)))
			return;
	}
	stamp(w);
	w->found++;
	for (u32 i = 0; i < COUNTS; i++) {
		w->sum[i] += w->scratch.n[i];
		if (r)
			r->n[i] = w->scratch.n[i];
	}
	if (r)
		row_done(r);
}

static __always_inline void forget(struct task_struct *t, struct walk *w)
{
	if (!task_get(t))
		return;
	task_drop(t);
	w->found++;
}

SEC("iter/task")
int walk_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	struct walk *w = walk_of();

	if (!t || !w)
		return 0;
	switch (ctl.mode) {
	case WALK_SELF:
		learn_self(this_cpu());
		break;
	case WALK_ADOPT:
		adopt(t, w);
		break;
	case WALK_OPEN:
		open(t, w);
		break;
	case WALK_CLOSE:
	case WALK_READ:
		read_or_close(t, w, ctx->meta->seq);
		break;
	case WALK_FORGET:
		forget(t, w);
		break;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
