// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What the scheduler does to traced tasks: switches, wake-ups, migrations. Each task is in one of
 * four states; the mark holds it and when it began. An event ends a state, adds its length to one
 * sum, and begins another. sched_switch runs under the run queue's lock and sched_waking under the
 * task's pi_lock, both with interrupts off; the two can overlap for one task only while it is on
 * its way out (see enter).
 */
#include "context.h"
#include "hist.h"
#include "once.h"
#include "stranded.h"

/*
 * How long the state has lasted. Two CPUs' clocks can disagree a little: never negative, and
 * counted.
 */
static __always_inline u64 lasted(struct task *ts, u64 since, u64 now)
{
	if ((s64)(now - since) < 0) {
		ts->n[COUNT_NEGATIVE]++;
		return 0;
	}
	return now - since;
}

/*
 * Whether the histograms take this interval of the task: it is in the window, and so was the
 * interval's start.
 */
static __always_inline bool taken(struct task *ts, u64 since, u32 epoch)
{
	if (!epoch || ts->epoch != epoch)
		return false;
	if (unlikely(since < ts->opened)) {
		ts->n[COUNT_CENSORED]++;
		return false;
	}
	return true;
}

/*
 * The kernel decides on nvcsw before it looks for pending signals, and then tells the tracepoint
 * that the task is running (since 6.15). With a signal or task work pending, only its counter can
 * tell such a switch from an involuntary one.
 */
static __always_inline bool signalled(struct task_struct *t, struct task *ts)
{
	if (!ts->synced || t->nvcsw - ts->nvcsw_off != ts->n[COUNT_VOLUNTARY] + 1)
		return false;
	return t->pending.signal.sig[0] || t->signal->shared_pending.signal.sig[0] || t->task_works;
}

/* Its last switch: add what it counted to those that ended, once. */
static __always_inline void finish(struct task_struct *t, struct task *ts, u64 now)
{
	u32 epoch = ctl.epoch;
	u64 books[COUNTS - COUNT_BOOKS], d;
	struct window *w;
	struct row *r;

	/* Before the claim: whoever opens the window for it looks at this after. */
	set_dead(ts);
	if (!claim(t, ts, epoch))
		return;
	w = window_of(epoch);
	if (!w)
		return;
	books[COUNT_NVCSW - COUNT_BOOKS] = t->nvcsw;
	books[COUNT_NIVCSW - COUNT_BOOKS] = t->nivcsw;
	read_books(t, books - COUNT_BOOKS);
	books[COUNT_LIFE - COUNT_BOOKS] = now - ts->life;
	books[COUNT_EXITS - COUNT_BOOKS] = 1;

	r = row_new(t, ts, ROW_LAST_SWITCH);
	for (u32 i = 0; i < COUNTS; i++) {
		d = (i < COUNT_BOOKS ? ts->n[i] : books[i - COUNT_BOOKS]) - ts->base[i];
		w->dead[i] += d;
		if (r)
			r->n[i] = d;
	}
	if (r)
		row_done(r);
	/* Last: whoever sees as many that died as there should be has all that they counted. */
	asm volatile("" : : : "memory");
	w->died++;
}

/*
 * It leaves the CPU and was never seen to come: kernels can keep tasks from tracing, and a switch
 * away from such a task is not shown. How long it was on the CPU, the kernel's own books tell. When
 * exactly, they do not: no histogram.
 */
static __always_inline u64 unseen(struct task_struct *t, struct task *ts, u64 mark, u64 now)
{
	u64 d = lasted(ts, mark >> 2, now), on = t->se.sum_exec_runtime - ts->exec;

	if (on > d)
		on = d;
	ts->n[COUNT_UNSEEN]++;
	ts->n[COUNT_ON_CPU] += on;
	if ((mark & 3) == STATE_BLOCKED) {
		ts->n[COUNT_UNWOKEN]++;
		ts->n[COUNT_BLOCKED] += d - on;
	} else {
		ts->n[COUNT_RUN_QUEUE] += d - on;
	}
	return d;
}

/*
 * The mark of a task that is on the CPU. If it was not seen to come, it may still say blocked, and
 * another CPU may be waking it just now, before it is quite gone: only one of the two may count the
 * time since.
 */
static __always_inline u64 take_mark(struct task *ts)
{
	u64 mark = ts->mark;

	if (likely((mark & 3) != STATE_BLOCKED))
		return mark;
	return mark_swap(ts, mark, mark_at(mark >> 2, STATE_READY));
}

static __always_inline void leave(struct task_struct *t, struct task *ts, struct task_struct *next,
				  bool preempt, u32 state, u64 now, u32 epoch, struct window *w)
{
	u64 mark = take_mark(ts), since = mark >> 2;
	u32 then = STATE_READY;

	/*
	 * Before the histogram: the verifier looks at what follows once for each way through that,
	 * and of every pointer that is read here some kernels (from 6.3 on) look for its type among
	 * all they have.
	 */
	if (!preempt && state) {
		ts->n[COUNT_VOLUNTARY]++;
		then = STATE_BLOCKED;
	} else if (!preempt && unlikely(signalled(t, ts))) {
		ts->n[COUNT_SIGNALLED]++;
		ts->n[COUNT_VOLUNTARY]++;
	} else {
		ts->n[COUNT_INVOLUNTARY]++;
		if (!preempt && yielding(t))
			ts->n[COUNT_YIELDS]++;
	}
	if (!next->mm)
		ts->n[COUNT_LAZY]++;

	if (likely(mark && (mark & 3) == STATE_ON)) {
		u64 d = lasted(ts, since, now);

		now = since + d;
		ts->n[COUNT_ON_CPU] += d;
		if (taken(ts, since, epoch) && w)
			hist_add(&w->hist[HIST_ON_CPU], hist_bucket(d), d);
	} else if (!mark) {
		ts->life = now;
	} else {
		now = since + unseen(t, ts, mark, now);
	}

	if (unlikely(!ts->synced)) {
		ts->nvcsw_off = t->nvcsw - ts->n[COUNT_VOLUNTARY];
		ts->nivcsw_off = t->nivcsw - ts->n[COUNT_INVOLUNTARY];
		ts->synced = 1;
	}
	ts->exec = t->se.sum_exec_runtime;
	ts->mark = mark_at(now, then);

	if (unlikely(state & TASK_DEAD))
		finish(t, ts, now);
}

/* l may be NULL: what would be there is then with the CPU's. */
static __always_inline void enter(struct task_struct *t, struct task *ts, struct task_struct *prev,
				  u64 now, u32 epoch, struct window *w, struct latency *l)
{
	u64 mark = ts->mark, since = mark >> 2, d = 0;
	u32 state = mark & 3;
	bool latency = state == STATE_WOKEN;

	if (likely(mark))
		d = lasted(ts, since, now);
	else
		ts->life = now;
	now = mark ? since + d : now;

	if (unlikely(mark && state == STATE_ON)) {
		struct offline *o = stranded(t, since);

		ts->n[COUNT_UNKNOWN] += d;
		if (o) {
			ts->synced = 0; /* a switch is missing, and known to be */
			stranded_note(t, ts, o, ts->n[COUNT_UNKNOWN]);
		}
	} else if (unlikely(mark && state == STATE_BLOCKED && !ts->early)) {
		/*
		 * Its waking was not shown, or it never slept, because of a signal (before 6.15).
		 */
		ts->n[COUNT_UNWOKEN]++;
		ts->n[COUNT_BLOCKED] += d;
	} else if (likely(mark)) {
		/*
		 * If no waking came after it left, then it came just before: the waker runs on
		 * another CPU, and waits for the task to be gone.
		 */
		if (unlikely(state == STATE_BLOCKED)) {
			ts->n[COUNT_EARLY]++;
			if (ts->early & 2)
				ts->n[COUNT_WAKEUPS_IRQ]++;
			latency = true;
		}
		ts->n[COUNT_RUN_QUEUE] += d;
		if (taken(ts, since, epoch) && w)
			hist_add((l ? l->hist : w->hist) +
					 (latency ? HIST_WAKEUP_LATENCY : HIST_READY),
				 hist_bucket(d), d);
	}
	ts->early = 0;
	if (t->mm) {
		if (prev->active_mm != t->mm)
			ts->n[COUNT_ADDRESS_SPACE]++;
		else if (prev->mm)
			ts->n[COUNT_THREAD]++;
		else
			ts->n[COUNT_KEPT]++;
	}
	ts->mark = mark_at(now, STATE_ON);
}

SEC("tp_btf/sched_switch")
int sched_switch(u64 *ctx)
{
	bool preempt = ctx[0];
	struct task_struct *prev = (struct task_struct *)ctx[1];
	struct task_struct *next = (struct task_struct *)ctx[2];
	/* The idle tasks are never traced: nobody walks over them, and they are never made. */
	u64 pe = traced_entry(prev), ne = traced_entry(next), now;
	struct window *w = NULL;
	struct latency *l = NULL;
	struct task *ps, *ns;
	u32 epoch;

	if (likely(!(pe | ne)))
		return 0;
	ps = task_of(prev, pe);
	ns = task_of(next, ne);
	if (!ps) {
		apart();
		if (!ns)
			return 0;
	}

	epoch = ctl.epoch;
	if (epoch)
		w = window_of(epoch);
	if (with_tlb) {
		struct cpu *c = this_cpu();

		if (c)
			c->expect = ns && epoch && ns->epoch == epoch ? next->pid : 0;
	}
	fetch(ps);
	fetch(ns);
	if (ns && epoch) {
		l = latency_of(ns);
		if (l)
			asm volatile("" : : "r"(l->hist[HIST_WAKEUP_LATENCY].sum));
	}
	now = clock();
	if (ps)
		leave(prev, ps, next, preempt, have_prev_state ? (u32)ctx[3] : task_state(prev),
		      now, epoch, w);
	if (ns)
		enter(next, ns, prev, now, epoch, w, l);
	return 0;
}

SEC("tp_btf/sched_waking")
int sched_waking(u64 *ctx)
{
	struct task_struct *t = (struct task_struct *)ctx[0];
	u64 entry = traced_entry(t), now, mark, since, d;
	struct window *w;
	struct task *ts;
	u32 epoch;
	bool irq;

	if (likely(!entry))
		return 0;
	ts = task_of(t, entry);
	if (!ts)
		return 0;
	irq = interrupt(this_cpu());
	mark = ts->mark;
	now = clock();
	since = mark >> 2;
	if (likely(mark && (mark & 3) == STATE_BLOCKED)) {
		d = lasted(ts, since, now);
		now = since + d;
		if (unlikely(mark_swap(ts, mark, mark_at(now, STATE_WOKEN)) != mark)) {
			/* It was on the CPU, unseen, and is leaving it: see take_mark. */
			ts->n[COUNT_SPURIOUS]++;
			ts->early = irq ? 3 : 1;
			return 0;
		}
		ts->n[COUNT_BLOCKED] += d;
		epoch = ctl.epoch;
		if (taken(ts, since, epoch)) {
			w = window_of(epoch);
			if (w)
				hist_add(&w->hist[HIST_BLOCKED], hist_bucket(d), d);
		}
	} else if (mark) {
		ts->n[COUNT_SPURIOUS]++;
		if ((mark & 3) == STATE_ON)
			ts->early = irq ? 3 : 1;
		return 0;
	} else {
		ts->life = now;
		ts->mark = mark_at(now, STATE_WOKEN);
	}
	ts->n[COUNT_WAKEUPS]++;
	if (irq)
		ts->n[COUNT_WAKEUPS_IRQ]++;
	return 0;
}

/* A new task's life begins when it becomes runnable. */
SEC("tp_btf/sched_wakeup_new")
int sched_wakeup_new(u64 *ctx)
{
	struct task_struct *t = (struct task_struct *)ctx[0];
	struct task *ts = task_get(t);
	u64 now;

	if (likely(!ts))
		return 0;
	now = clock();
	ts->life = now;
	ts->opened = now;
	ts->mark = mark_at(now, STATE_READY);
	return 0;
}

SEC("tp_btf/sched_migrate_task")
int sched_migrate_task(u64 *ctx)
{
	struct task_struct *t = (struct task_struct *)ctx[0];
	struct task *ts = task_get(t);

	if (unlikely(ts))
		ts->n[COUNT_MIGRATIONS]++;
	return 0;
}

/* BTF keeps only types that are used; Go's are made from these. */
const volatile struct {
	enum count count;
	enum state state;
	enum hist_shape hist_shape;
	enum hist_id hist_id;
	enum walk_mode walk_mode;
	struct control *ctl;
	struct walk *walk;
	struct row *row;
	struct latency *latency;
	struct task *task;
	struct window *window;
	struct cpu *cpu;
	struct hist *hist;
	enum offline_shape offline_shape;
	struct offline *offline;
} types;

char LICENSE[] SEC("license") = "Dual BSD/GPL";
