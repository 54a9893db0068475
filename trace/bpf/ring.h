/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One ring for each CPU, and the only way into it. Nobody is woken for a record: the reader comes
 * by in its own time, and is called when a ring fills up in between.
 */
#ifndef SWITCHYARD_RING_H
#define SWITCHYARD_RING_H

#include "context.h"
#include "event.h"
#include "state.h"

#define MAX_RINGS 64

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_RINGS);
	__type(key, u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 4096);
		});
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ring);
} ring_cpus SEC(".maps");

volatile struct recording rec SEC(".data.rec");

const volatile bool record_all = false; /* every task is traced */
const volatile u32 ring_wake = 1 << 20; /* bytes after which the reader is woken */

/* Read after a probe knows that it has something to record: see clock in state.h. */
static __always_inline u64 record_clock(void)
{
	return bpf_ktime_get_boot_ns();
}

static __always_inline struct ring *ring_of(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&ring_cpus, &zero);
}

/* Somebody, or an interrupt in his time. */
static __always_inline u8 record_interrupt(void)
{
	u32 count = interrupt(ring_of());

	return (count & HARDIRQ_MASK ? RECORD_HARDIRQ : 0) |
	       (count & SOFTIRQ_OFFSET ? RECORD_SOFTIRQ : 0) | (count & NMI_MASK ? RECORD_NMI : 0);
}

static __always_inline void record_head(struct record *r, u64 now, u8 kind, u8 flags, u32 task)
{
	r->time = now;
	r->kind = kind;
	r->flags = flags;
	r->cpu = bpf_get_smp_processor_id();
	r->task = task;
}

static __always_inline void *ring_map(void)
{
	u32 i = bpf_get_smp_processor_id() % MAX_RINGS;

	return bpf_map_lookup_elem(&rings, &i);
}

/* A full ring is a contended lock as well: note the loss, and get out. */
static __always_inline void ring_lost(struct ring *c, u64 now)
{
	if (!c->count)
		c->first = now;
	c->last = now;
	c->count++;
	c->lost++;
}

static __always_inline u64 ring_wakes(struct ring *c, u32 size)
{
	c->events++;
	c->pending += size + 8;
	if (likely(c->pending < ring_wake))
		return BPF_RB_NO_WAKEUP;
	c->pending = 0;
	return BPF_RB_FORCE_WAKEUP;
}

/* There is room again: say first what is missing before it. */
static __always_inline void ring_confess(void *map, struct ring *c, u64 now)
{
	struct record_lost *l = bpf_ringbuf_reserve(map, sizeof(*l), 0);

	if (!l)
		return;
	record_head(&l->r, now, RECORD_LOST, 0, 0);
	l->first = c->first;
	l->last = c->last;
	l->count = c->count;
	c->count = 0;
	bpf_ringbuf_submit(l, ring_wakes(c, sizeof(*l)));
}

/*
 * Room for a record of a type, as the variable named; the statement or block that follows fills it
 * in, and it is submitted. A macro, for the verifier wants to see a constant size, and now is
 * evaluated only if something was lost.
 *
 * Where an interrupt can come in, the clock is read after this: the records of the interrupt,
 * however many, follow this one in the ring and are earlier, so that the reader has one record to
 * hold back. The other way round it would have to look ahead beyond all of them.
 */
#define ring_reserve(type, now)                                                                    \
	({                                                                                         \
		struct ring *c_ = ring_of();                                                       \
		void *map_ = ring_map();                                                           \
		type *rec_ = NULL;                                                                 \
		if (c_ && map_) {                                                                  \
			if (unlikely(c_->count))                                                   \
				ring_confess(map_, c_, now);                                       \
			rec_ = bpf_ringbuf_reserve(map_, sizeof(type), 0);                         \
			if (unlikely(!rec_))                                                       \
				ring_lost(c_, now);                                                \
		}                                                                                  \
		rec_;                                                                              \
	})

static __always_inline void ring_submit(void *record, u32 size)
{
	struct ring *c = ring_of();

	bpf_ringbuf_submit(record, c ? ring_wakes(c, size) : BPF_RB_NO_WAKEUP);
}

/* Who a task is. Without comm its name is the one it has. False: there was no room. */
static __always_inline bool record_identity(struct task_struct *t, u8 kind, u8 flags, u32 by,
					    u32 old, const char *comm)
{
	struct record_identity *i = ring_reserve(struct record_identity, record_clock());

	if (!i)
		return false;
	record_head(&i->r, record_clock(), kind, flags, t->pid);
	i->tgid = t->tgid;
	i->by = by;
	i->old = old;
	i->nr = task_nr(t);
	i->start = t->start_boottime;
	if (comm)
		bpf_probe_read_kernel(i->comm, sizeof(i->comm), comm);
	else
		__builtin_memcpy(i->comm, t->comm, sizeof(i->comm));
	ring_submit(i, sizeof(*i));
	return true;
}

/*
 * The slot of a task is its number when it was last seen. Exec in a thread exchanges the numbers of
 * thread and leader, and its event comes only later, when the program is loaded (de_thread in
 * fs/exec.c). Whoever of the two is seen first, before anything else is said of it, tells. Without
 * room in the ring, the next time.
 */
static __always_inline void record_number(struct task_struct *t, u32 old)
{
	if (record_identity(t, RECORD_NUMBER, 0, traced_key(t), old, NULL))
		traced_change(t, t->pid);
}

static __always_inline bool record_traced(struct task_struct *t)
{
	s32 slot;

	if (record_all)
		return true;
	slot = traced_slot(t, traced_entry(t));
	if (slot < 0)
		return false;
	if (unlikely(slot != t->pid))
		record_number(t, slot);
	return true;
}

/* Here nothing else is kept of a task. */
static __always_inline bool record_add(struct task_struct *t)
{
	return traced_add(t, t->pid) || is_traced(t);
}

static __always_inline void record_drop(struct task_struct *t)
{
	traced_remove(t);
}

#endif
