/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What two CPUs may try at the same time and only one may do. Kernels before 5.12 refuse objects
 * that have any atomic instruction but the plain addition, whether it is reached or not; for them
 * this is built again with PLAIN, and has maps, with locks inside, where once is a must.
 */
#ifndef SWITCHYARD_ONCE_H
#define SWITCHYARD_ONCE_H

#include "state.h"

#ifndef PLAIN

/* The task is in the window from now on. */
static __always_inline bool admit(struct task_struct *t, struct task *ts, u32 epoch)
{
	__sync_lock_test_and_set(&ts->epoch, epoch);
	return true;
}

/* True once for each task and window: the caller accounts for it. */
static __always_inline bool claim(struct task_struct *t, struct task *ts, u32 epoch)
{
	return epoch && ts->address == (u64)t &&
	       __sync_val_compare_and_swap(&ts->epoch, epoch, 0) == epoch;
}

static __always_inline void set_dead(struct task *ts)
{
	__sync_lock_test_and_set(&ts->dead, 1);
}

/* Returns what the mark was; if that is old, it is new now. */
static __always_inline u64 mark_swap(struct task *ts, u64 old, u64 new)
{
	return __sync_val_compare_and_swap(&ts->mark, old, new);
}

/* What tells the task from all others that ever are. */
static __always_inline u64 id_next(bool walk)
{
	return __sync_fetch_and_add(&ctl.ids, 1) + 1;
}

/*
 * Places, from 0, that were given to tasks which have ended, and whose rows a reading has handed
 * over. The loader says how many there can be.
 */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 1);
	__type(value, u32);
} free_places SEC(".maps");

/* The next place for a task, 0: there is none left. */
static __always_inline u32 place_next(bool walk)
{
	u32 i;

	if (ctl.places < max_rows) {
		i = __sync_fetch_and_add(&ctl.places, 1);
		if (i < max_rows)
			return i + 1;
	}
	return bpf_map_pop_elem(&free_places, &i) ? 0 : i + 1;
}

/* The row at its place, NULL when it has none: the task is then among the others. */
static __always_inline struct row *row_of(struct task *ts, u32 scratch)
{
	u32 i = ts->place - 1;

	__sync_fetch_and_add(&ctl.rows, 1);
	return bpf_map_lookup_elem(&rows, &i);
}

/* The row is complete. */
static __always_inline void row_done(struct row *r)
{
}

/* A task without a place is among the others, also when it is read. */
static __always_inline bool has_row(struct task *ts)
{
	return ts->place;
}

#else

struct ticket {
	u64 task;
	u64 epoch;
};

/*
 * The tasks in the window. The bucket's lock decides who takes a ticket, and orders what was
 * written before against what is read after. The loader gives it the size of the map of tasks.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct ticket);
	__type(value, u32);
} tickets SEC(".maps");

/* Rows that are complete. The loader says how many. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, struct row);
} row_queue SEC(".maps");

/* Rows that are being filled in: one by the last switch of a task, one by a walk. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct row);
} row_scratch SEC(".maps");

static __always_inline bool admit(struct task_struct *t, struct task *ts, u32 epoch)
{
	struct ticket ticket = { (u64)t, ts->epoch };
	u32 one = 1;

	if (ts->epoch) /* of a window that was given up */
		bpf_map_delete_elem(&tickets, &ticket);
	ticket.epoch = epoch;
	/* Last: from then on others use what the task was given before. */
	asm volatile("" : : : "memory");
	*(volatile u32 *)&ts->epoch = epoch;
	if (!bpf_map_update_elem(&tickets, &ticket, &one, 0))
		return true;
	ts->epoch = 0;
	return false;
}

static __always_inline bool claim(struct task_struct *t, struct task *ts, u32 epoch)
{
	struct ticket ticket = { (u64)t, epoch };

	if (!epoch || bpf_map_delete_elem(&tickets, &ticket))
		return false;
	ts->epoch = 0;
	return true;
}

static __always_inline void set_dead(struct task *ts)
{
	*(volatile u32 *)&ts->dead = 1;
}

/*
 * Not at once: a waking, and a switch away from a task that was not seen to come, can both take the
 * same interval for theirs.
 */
static __always_inline u64 mark_swap(struct task *ts, u64 old, u64 new)
{
	u64 mark = *(volatile u64 *)&ts->mark;

	if (mark == old)
		*(volatile u64 *)&ts->mark = new;
	return mark;
}

/* Only a walk, of which there is one at a time, and a program whose CPU runs no other, can count.
 */
static __always_inline u64 id_next(bool walk)
{
	struct cpu *c;

	if (walk)
		return ++ctl.ids;
	c = this_cpu();
	return c ? (u64)(bpf_get_smp_processor_id() + 1) << 32 | ++c->ids : 0;
}

/* Only a walk can tell which one is the next. */
static __always_inline u32 place_next(bool walk)
{
	if (!walk || ctl.places >= max_rows)
		return 0;
	return ++ctl.places;
}

/* Rows are queued as tasks end: a place is one among latencies only. */
static __always_inline struct row *row_of(struct task *ts, u32 scratch)
{
	return bpf_map_lookup_elem(&row_scratch, &scratch);
}

/* The tracer knows by how many rows there should be how many had no room. */
static __always_inline void row_done(struct row *r)
{
	__sync_fetch_and_add(&ctl.rows, 1);
	bpf_map_push_elem(&row_queue, r, 0);
}

static __always_inline bool has_row(struct task *ts)
{
	return true;
}

#endif

enum row_scratch_slot {
	ROW_LAST_SWITCH = 0, /* interrupts are off */
	ROW_WALK = 1,
};

/* Whose row it is. */
static __always_inline void row_name(struct row *r, struct task_struct *t, struct task *ts)
{
	r->id = ts->id;
	r->tid = ts->tid;
	r->tgid = ts->tgid;
	r->start = t->start_boottime;
	r->place = ts->place;
	__builtin_memcpy(r->comm, t->comm, sizeof(r->comm));
}

/* A row for the task, to be given back with row_done. */
static __always_inline struct row *row_new(struct task_struct *t, struct task *ts, u32 scratch)
{
	struct row *r = row_of(ts, scratch);

	if (r)
		row_name(r, t, ts);
	return r;
}

#endif
