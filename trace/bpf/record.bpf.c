// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Every switch, waking and migration of the traced tasks, as a record each. What a switch means is
 * found out later, from all of them; here only what is gone afterwards is written down.
 */
#include "ring.h"

/* It will not be there any more when the tasks are walked over at the window's end. */
static __always_inline void books(struct task_struct *t, u64 now)
{
	struct record_books *b = ring_reserve(struct record_books, now);
	u64 run_delay = 0;
	u8 flags = 0;

	if (!b)
		return;
	if (field_exists(t->sched_info.run_delay)) {
		flags = RECORD_RUN_DELAY;
		run_delay = t->sched_info.run_delay;
	}
	record_head(&b->r, now, RECORD_BOOKS, flags, t->pid);
	b->nvcsw = t->nvcsw;
	b->nivcsw = t->nivcsw;
	b->exec = t->se.sum_exec_runtime;
	b->run_delay = run_delay;
	ring_submit(b, sizeof(*b));
}

SEC("tp_btf/sched_switch")
int rec_switch(u64 *ctx)
{
	bool preempt = ctx[0];
	struct task_struct *prev = (struct task_struct *)ctx[1];
	struct task_struct *next = (struct task_struct *)ctx[2];
	struct record_switch *s;
	u32 state, page_table;
	u8 flags = 0;
	u64 now;

	if (!rec.on)
		return 0;
	if (record_all) {
		flags = RECORD_PREV | RECORD_NEXT;
	} else {
		if (record_traced(prev))
			flags = RECORD_PREV;
		if (record_traced(next))
			flags |= RECORD_NEXT;
		if (!flags)
			return 0;
	}
	now = record_clock();
	state = have_prev_state ? (u32)ctx[3] : task_state(prev);
	if (preempt)
		flags |= RECORD_PREEMPT;
	else if (state)
		flags |= RECORD_VOLUNTARY;
	else if (prev->pid && yielding(prev))
		flags |= RECORD_YIELD;
	if (!next->mm)
		page_table = PAGE_TABLE_LAZY;
	else if (prev->active_mm != next->mm)
		page_table = PAGE_TABLE_ADDRESS_SPACE;
	else
		page_table = prev->mm ? PAGE_TABLE_THREAD : PAGE_TABLE_KEPT;
	flags |= page_table << RECORD_PAGE_TABLE;

	s = ring_reserve(struct record_switch, now);
	if (!s)
		return 0;
	record_head(&s->r, now, RECORD_SWITCH, flags, prev->pid);
	s->next = next->pid;
	s->state = state | prev->exit_state;
	s->prio = prev->prio;
	s->next_prio = next->prio;
	s->nvcsw = prev->nvcsw;
	s->nivcsw = prev->nivcsw;
	s->exec = prev->se.sum_exec_runtime;
	ring_submit(s, sizeof(*s));
	if (unlikely(state & TASK_DEAD) && flags & RECORD_PREV)
		books(prev, now);
	return 0;
}

static __always_inline int waking(struct task_struct *t, u8 kind)
{
	struct record_waking *w;
	u64 now;

	if (!rec.on || !record_traced(t))
		return 0;
	now = record_clock();
	w = ring_reserve(struct record_waking, now);
	if (!w)
		return 0;
	record_head(&w->r, now, kind, record_interrupt(), t->pid);
	w->by = bpf_get_current_pid_tgid();
	w->from = task_cpu(t);
	w->prio = t->prio;
	w->pad = 0;
	ring_submit(w, sizeof(*w));
	return 0;
}

SEC("tp_btf/sched_waking")
int rec_waking(u64 *ctx)
{
	return waking((struct task_struct *)ctx[0], RECORD_WAKING);
}

SEC("tp_btf/sched_wakeup_new")
int rec_wake_new(u64 *ctx)
{
	return waking((struct task_struct *)ctx[0], RECORD_WAKE_NEW);
}

SEC("tp_btf/sched_migrate_task")
int rec_migrate(u64 *ctx)
{
	struct task_struct *t = (struct task_struct *)ctx[0];
	struct record_migrate *m;
	u64 now;

	if (!rec.on || !record_traced(t))
		return 0;
	now = record_clock();
	m = ring_reserve(struct record_migrate, now);
	if (!m)
		return 0;
	record_head(&m->r, now, RECORD_MIGRATE, record_interrupt(), t->pid);
	m->by = bpf_get_current_pid_tgid();
	m->to = (u32)ctx[1];
	m->pad = 0;
	ring_submit(m, sizeof(*m));
	return 0;
}

/*
 * BTF keeps only types that are used; Go's are made from these. Behind a pointer it would keep no
 * more than the name.
 */
const volatile struct {
	enum record_kind kind;
	enum record_flag flag;
	enum record_page_table page_table;
	enum record_mode mode;
	enum snapshot_flag snapshot_flag;
	struct record_switch sw[0];
	struct record_waking waking[0];
	struct record_migrate migrate[0];
	struct record_identity identity[0];
	struct record_end end[0];
	struct record_syscall syscall[0];
	struct record_books books[0];
	struct record_cpu cpu[0];
	struct record_lost lost[0];
	struct record_snapshot snapshot[0];
	struct ring ring[0];
	struct recording recording[0];
} record_types;

char LICENSE[] SEC("license") = "Dual BSD/GPL";
