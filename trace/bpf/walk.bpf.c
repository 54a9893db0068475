// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The walk over all tasks: to follow those that exist already, and to read each task's counts together with the kernel's
 * own books at both ends of a window. One walk at a time.
 */
#include "state.h"

#define TRIES 64

static __always_inline struct walk *walk_of(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&walks, &zero);
}

/* Its process is the one to follow, its leader is followed already, or its parent is. */
static __always_inline bool followed(struct task_struct *t, bool root)
{
	if (root)
		return true;
	/* The tracer is left out even of its own ancestors' descendants. */
	if (t->tgid == ctl_self)
		return false;
	return task_get(t->group_leader) || task_get(t->real_parent);
}

static __always_inline void adopt(struct task_struct *t, struct walk *w)
{
	struct task *ts;
	bool root;
	u32 state;

	if (t->exit_state)
		return;
	root = task_nr(t->group_leader) == ctl_root;
	if (root)
		w->root++;
	if (task_get(t) || !followed(t, root))
		return;
	ts = task_make(t);
	if (!ts) {
		w->lost_alloc++;
		return;
	}
	ts->tid = task_nr(t);
	ts->tgid = task_nr(t->group_leader);
	w->found++;
	/*
	 * Only if no event came in between. One that is just then under way shows the state it leads away from; the
	 * next event puts it right and is counted as resynced.
	 */
	if (t->on_cpu)
		state = STATE_ON;
	else if (t->on_rq && !(field_exists(t->se.sched_delayed) && t->se.sched_delayed))
		state = STATE_READY;
	else
		state = STATE_BLOCKED;
	u64 now = clock();

	if (__sync_val_compare_and_swap(&ts->mark, 0, mark_at(now, state)) == 0)
		ts->life = now;
}

/*
 * Reads a task that other CPUs are writing. It stands still when its own sums explain its mark, and when the kernel's
 * counters are as far ahead of ours as they always are; in the middle of a switch they are not.
 */
static __always_inline bool snapshot(struct task_struct *t, struct task *ts, u64 *n)
{
	u64 mark, now, open, explained, voluntary, involuntary, nvcsw = 0, nivcsw = 0;
	bool steady = false;
	u32 still = 0;

	for (u32 i = 0; i < TRIES && !steady; i++) {
		volatile struct task *v = ts;
		volatile struct task_struct *vt = t;
		u64 nv, niv;

		mark = v->mark;
		n[COUNT_ON_CPU] = v->n[COUNT_ON_CPU];
		n[COUNT_RUN_QUEUE] = v->n[COUNT_RUN_QUEUE];
		n[COUNT_BLOCKED] = v->n[COUNT_BLOCKED];
		n[COUNT_UNKNOWN] = v->n[COUNT_UNKNOWN];
		voluntary = v->n[COUNT_VOLUNTARY];
		involuntary = v->n[COUNT_INVOLUNTARY];
		nv = vt->nvcsw;
		niv = vt->nivcsw;
		explained = n[COUNT_ON_CPU] + n[COUNT_RUN_QUEUE] + n[COUNT_BLOCKED] + n[COUNT_UNKNOWN];
		steady = v->mark == mark && (!mark || explained == (mark >> 2) - v->life);
		if (v->synced) {
			steady = steady && nv - v->nvcsw_off == voluntary && niv - v->nivcsw_off == involuntary;
		} else {
			/* It has not switched yet: longer than a switch takes, then. */
			still = nv == nvcsw && niv == nivcsw ? still + 1 : 0;
			steady = steady && still >= TRIES / 2;
		}
		nvcsw = nv;
		nivcsw = niv;
	}
	if (!steady && !ctl_force)
		return false;

	n[COUNT_VOLUNTARY] = voluntary;
	n[COUNT_INVOLUNTARY] = involuntary;
	n[COUNT_WAKEUPS] = ts->n[COUNT_WAKEUPS];
	n[COUNT_WAKEUPS_IRQ] = ts->n[COUNT_WAKEUPS_IRQ];
	n[COUNT_ADDRESS_SPACE] = ts->n[COUNT_ADDRESS_SPACE];
	n[COUNT_THREAD] = ts->n[COUNT_THREAD];
	n[COUNT_KEPT] = ts->n[COUNT_KEPT];
	n[COUNT_LAZY] = ts->n[COUNT_LAZY];
	n[COUNT_MIGRATIONS] = ts->n[COUNT_MIGRATIONS];
	for (u32 i = COUNT_YIELDS; i < COUNT_UNKNOWN; i++)
		n[i] = ts->n[i];

	read_books(t, n + COUNT_BOOKS);
	n[COUNT_NVCSW] = nvcsw;
	n[COUNT_NIVCSW] = nivcsw;
	n[COUNT_EXITS] = 0;
	n[COUNT_LIFE] = 0;
	if (!mark)
		return true;

	/* The state it is in goes on: count it up to now. */
	now = clock();
	open = (s64)(now - (mark >> 2)) < 0 ? 0 : now - (mark >> 2);
	switch (mark & 3) {
	case STATE_ON:
		n[COUNT_ON_CPU] += open;
		break;
	case STATE_BLOCKED:
		n[COUNT_BLOCKED] += open;
		break;
	default:
		n[COUNT_RUN_QUEUE] += open;
	}
	n[COUNT_LIFE] = (mark >> 2) + open - ts->life;
	return true;
}

static __always_inline void open(struct task_struct *t, struct walk *w)
{
	struct task *ts = task_get(t);
	u32 epoch = ctl_epoch;

	if (!ts || ts->dead || ts->epoch == epoch)
		return;
	if (!snapshot(t, ts, w->scratch.n)) {
		w->unsteady++;
		return;
	}
	for (u32 i = 0; i < COUNTS; i++)
		ts->base[i] = w->scratch.n[i];
	ts->opened = clock();
	__sync_lock_test_and_set(&ts->epoch, epoch);
	/* Had it ended by then, nobody would account for it: take it back. If it ended since, it was accounted for. */
	if (ts->dead && claim(ts, epoch))
		return;
	w->found++;
}

static __always_inline void close(struct task_struct *t, struct walk *w)
{
	struct task *ts = task_get(t);
	u32 epoch = ctl_epoch;
	struct row *r;

	if (!ts || ts->epoch != epoch)
		return;
	if (!snapshot(t, ts, w->scratch.n)) {
		w->unsteady++;
		return;
	}
	if (!claim(ts, epoch))
		return;
	w->found++;
	r = row_new(t, ts);
	for (u32 i = 0; i < COUNTS; i++) {
		u64 d = w->scratch.n[i] - ts->base[i];

		w->sum[i] += d;
		if (r)
			r->n[i] = d;
	}
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
	switch (ctl_mode) {
	case WALK_SELF: {
		struct task_struct *self = bpf_get_current_task_btf();
		struct pid *pid = self->thread_pid;

		ctl_self = self->tgid;
		ctl_level = pid->level;
		return 0;
	}
	case WALK_ADOPT:
		adopt(t, w);
		break;
	case WALK_OPEN:
		open(t, w);
		break;
	case WALK_CLOSE:
		close(t, w);
		break;
	case WALK_FORGET:
		forget(t, w);
		break;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
