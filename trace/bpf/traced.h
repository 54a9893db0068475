/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which tasks are traced. A task is known by its address, from the moment it is followed until
 * sched_process_free, the last that is ever seen of it: so it stays the same task when exec gives
 * it another number, and no other when its own is given away again.
 *
 * Kernels have storage for programs with each task, from 5.11 on. It is allocated and, by way of
 * RCU, freed with every task, ten times as dear as an entry in a map made in advance
 * (BenchmarkRemember), and every look-up is a call.
 */
#ifndef SWITCHYARD_TRACED_H
#define SWITCHYARD_TRACED_H

#include "helpers.h"
#include "kernel.h"

/* Every traced task, and its slot. The loader says how many there can be. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, u32);
} traced SEC(".maps");

/*
 * Most often a look into this table answers: it names, for each hash of an address, the task that
 * was followed last of those that have it. An entry of 0 says that none of them is traced. Any
 * other speaks only for the task it names; the others are looked for in the map. As no entry goes
 * back to 0 while tasks are traced, CPUs that write one at the same time need no lock: whoever is
 * last, no task is missed, and none is found that is not in the map.
 */
#define TRACED_BITS 16
#define TRACED_ANY  1UL /* names nobody */
#define TRACED_SLOT 22	/* bits; the rest is the address */

volatile u64 traced_table[1 << TRACED_BITS]; /* .bss: the same map in all objects */

const volatile bool have_current_btf = true; /* bpf_get_current_task_btf (5.11) */

/*
 * An address as a number: the verifier calculates with a pointer only if that takes another one
 * from it. Tasks are aligned to cache lines.
 */
static __always_inline u64 traced_key(struct task_struct *t)
{
	return ((u64)t - (u64)traced_table) >> 6;
}

static __always_inline u32 traced_index(u64 key)
{
	return (u32)key * 0x9e3779b1U >> (32 - TRACED_BITS);
}

/* 0 for most tasks that are not traced, so that other people's tasks pay for little more. */
static __always_inline u64 traced_entry(struct task_struct *t)
{
	return traced_table[traced_index(traced_key(t))];
}

/* The slot of a task, -1: it is not traced. */
static __always_inline s32 traced_search(u64 address)
{
	u32 *slot = bpf_map_lookup_elem(&traced, &address);

	return slot ? *slot : -1;
}

/* The same, from its entry. */
static __always_inline s32 traced_slot(struct task_struct *t, u64 entry)
{
	u64 slot = entry - (traced_key(t) << TRACED_SLOT);

	if (!entry)
		return -1;
	if (likely(slot < 1 << TRACED_SLOT))
		return slot;
	return traced_search((u64)t);
}

static __always_inline bool is_traced(struct task_struct *t)
{
	return traced_slot(t, traced_entry(t)) >= 0;
}

/* The task that runs, to be read. Only where have_current_btf may it be read directly. */
static __always_inline struct task_struct *task_current(void)
{
	if (have_current_btf)
		return bpf_get_current_task_btf();
	return (struct task_struct *)bpf_get_current_task();
}

/* The slot of the task that runs, which is t: looked up once, it is a call. */
static __always_inline s32 traced_current(struct task_struct *t)
{
	if (!have_current_btf) /* no more than a number: see traced_key */
		return traced_search((u64)t);
	return traced_slot(t, traced_entry(t));
}

/* False: it is traced already, or there is no room. */
static __always_inline bool traced_add(struct task_struct *t, u32 slot)
{
	u64 address = (u64)t, key = traced_key(t);

	if (bpf_map_update_elem(&traced, &address, &slot, BPF_NOEXIST))
		return false;
	traced_table[traced_index(key)] = key << TRACED_SLOT | slot;
	return true;
}

/* Of a task that is traced. */
static __always_inline void traced_change(struct task_struct *t, u32 slot)
{
	u64 address = (u64)t, key = traced_key(t);

	if (!bpf_map_update_elem(&traced, &address, &slot, BPF_EXIST))
		traced_table[traced_index(key)] = key << TRACED_SLOT | slot;
}

/* The slot it had; -1: it is not traced, or another one takes it out. */
static __always_inline s32 traced_remove(struct task_struct *t)
{
	u64 address = (u64)t, key = traced_key(t), entry = traced_entry(t);
	s32 slot = traced_slot(t, entry);

	/* It can be refused (-EBUSY), in the middle of another change of the map on the same CPU.
	 */
	if (slot < 0 || bpf_map_delete_elem(&traced, &address))
		return -1;
	if (entry - (key << TRACED_SLOT) < 1 << TRACED_SLOT)
		traced_table[traced_index(key)] = TRACED_ANY;
	return slot;
}

#endif
