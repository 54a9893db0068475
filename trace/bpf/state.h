/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps all programs share, and the only ways to reach them. */
#ifndef SWITCHYARD_STATE_H
#define SWITCHYARD_STATE_H

#include "count.h"
#include "traced.h"

/* By slot. The loader says how many, as for the traced. What can be mapped begins at a cache line.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct task);
} tasks SEC(".maps");

/* The slots that are free, filled in by the loader. What was used last is used next: it is warm. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 1);
	__type(value, u32);
} free_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct window);
} windows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cpu);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct row);
} rows SEC(".maps");

/* By place, as rows are. Mappable, so that a value begins at a cache line, as for tasks. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct latency);
} latencies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk);
} walks SEC(".maps");

/* The same section in all objects, so that they share the map it becomes. */
volatile struct control ctl SEC(".data.ctl");

/* Set before loading, and then constant: what is off costs nothing. */
const volatile u32 max_rows = 1;
const volatile bool with_tlb = true;	    /* somebody reads cpu.expect */
const volatile bool have_prev_state = true; /* sched_switch has a fourth argument (5.18) */
const volatile s64 preempt_count_at = 0; /* __preempt_count, from the run queue on; 0: not known */
const volatile s64 current_task_at = 0;	 /* current_task, likewise */
const volatile bool have_task_pt_regs = true; /* 5.15 */
const volatile u32 nr_sched_yield = 24;
const volatile u64 page_size = 4096;
const volatile u32 first_column = 0;	      /* the probe's first one of a task's columns */
const volatile u64 user_top = 0x800000000000; /* the first address that is the kernel's */

/*
 * The one clock: nothing else may read one. To read it the CPU finishes all it has begun, and
 * begins nothing before it has it. What a probe will need from memory is therefore fetched before,
 * all at the same time: that makes every time stamp late by the same few ns, so that no length is
 * wrong, and saves a probe a tenth of its time. Other people's tasks do not pay for the clock.
 */
static __always_inline u64 clock(void)
{
	return bpf_ktime_get_ns();
}

/* What is kept of a traced task, from its entry in the table; NULL for any other. */
static __always_inline struct task *task_of(struct task_struct *t, u64 entry)
{
	s32 slot = traced_slot(t, entry);

	if (slot < 0)
		return NULL;
	return bpf_map_lookup_elem(&tasks, &slot);
}

static __always_inline struct task *task_get(struct task_struct *t)
{
	return task_of(t, traced_entry(t));
}

/* That of the task that runs, which is t. */
static __always_inline struct task *task_get_current(struct task_struct *t)
{
	s32 slot = traced_current(t);

	if (slot < 0)
		return NULL;
	return bpf_map_lookup_elem(&tasks, &slot);
}

/*
 * Adds to what a probe counts of the task that runs, if it is traced. Columns are numbered from 0,
 * in the order in which the probe's Go file names them; the loader says where they begin.
 */
static __always_inline void count_current(u32 column, u64 n)
{
	struct task *ts = task_get_current(task_current());

	if (ts)
		ts->n[COUNT_COLUMNS + first_column + column] += n;
}

static __always_inline void fetch(struct task *ts)
{
	if (ts)
		asm volatile("" : : "r"(ts->mark));
}

/* From now on it is traced. False: there is no slot left. */
static __always_inline bool task_make(struct task_struct *t)
{
	struct task *ts;
	u32 slot;

	if (bpf_map_pop_elem(&free_slots, &slot))
		return false;
	ts = bpf_map_lookup_elem(&tasks, &slot);
	if (ts) {
		__builtin_memset(ts, 0, sizeof(*ts));
		ts->address = (u64)t;
	}
	if (traced_add(t, slot))
		return true;
	bpf_map_push_elem(&free_slots, &slot, 0);
	return is_traced(t);
}

static __always_inline void task_drop(struct task_struct *t)
{
	s32 slot = traced_remove(t);

	if (slot >= 0)
		bpf_map_push_elem(&free_slots, &slot, 0);
}

/*
 * What the task does, or is about to do: TASK_RUNNING is 0. Another CPU may be changing it; what
 * sched_switch has as an argument is better.
 */
static __always_inline u32 task_state(struct task_struct *t)
{
	if (field_exists(t->__state))
		return t->__state;
	return ((struct task_struct___old *)t)->state;
}

static __always_inline bool task_on_cpu(struct task_struct *t)
{
	if (field_size(t->on_cpu) == 1)
		return ((struct task_struct___small *)t)->on_cpu;
	return t->on_cpu;
}

static __always_inline bool task_on_rq(struct task_struct *t)
{
	if (field_size(t->on_rq) == 1)
		return ((struct task_struct___small *)t)->on_rq;
	return t->on_rq;
}

/* The caller's CPU's part of the window numbered epoch. */
static __always_inline struct window *window_of(u32 epoch)
{
	u32 slot = epoch & 1;

	return bpf_map_lookup_elem(&windows, &slot);
}

/* A task's own latencies in the window, NULL: it has none. */
static __always_inline struct latency *latency_of(struct task *ts)
{
	u32 i = ts->place - 1;

	return bpf_map_lookup_elem(&latencies, &i);
}

static __always_inline struct cpu *this_cpu(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&cpus, &zero);
}

/* The thread's number as the tracer's PID namespace knows it, 0: it does not. */
static __always_inline u32 task_nr(struct task_struct *t)
{
	u32 level = ctl.level, nr = 0;
	u64 ns = 0;
	struct pid *pid;

	if (!level)
		return t->pid;
	pid = t->thread_pid;
	if (!pid || level > 32 || pid->level < level)
		return 0;
	/* Another namespace can be as deep. */
	bpf_probe_read_kernel(&ns, sizeof(ns), &pid->numbers[level].ns);
	if (ns != ctl.ns)
		return 0;
	bpf_probe_read_kernel(&nr, sizeof(nr), &pid->numbers[level].nr);
	return nr;
}

/*
 * The kernel's books on a task, but for nvcsw and nivcsw: they have to be read together with ours.
 */
static __always_inline void read_books(struct task_struct *t, u64 *n)
{
	n[COUNT_SUM_EXEC] = t->se.sum_exec_runtime;
	n[COUNT_UTIME] = t->utime;
	n[COUNT_STIME] = t->stime;
	n[COUNT_MIN_FLT] = t->min_flt;
	n[COUNT_MAJ_FLT] = t->maj_flt;
}

/*
 * What is so far from a value of a per-CPU map. An address as a number: see traced_key; the
 * distance allows for the table.
 */
static __always_inline const void *percpu(const void *here, u64 distance)
{
	return (const void *)((u64)here - (u64)traced_table + distance);
}

/*
 * The kernel's per-CPU variables are as far from our own on all CPUs. Where they are, it need not
 * say (CONFIG_KALLSYMS_ALL): learn it from one a task points to, the run queue of the CPU it is on.
 * They are where we believe if the one that says who runs says us.
 */
static __always_inline void learn_percpu(struct task_struct *self, const void *here)
{
	struct task_struct *current = NULL;
	struct cfs_rq *cfs = NULL;
	struct rq *rq = NULL;

	if (!field_exists(self->se.cfs_rq->rq) || !current_task_at || !preempt_count_at)
		return;
	bpf_probe_read_kernel(&cfs, sizeof(cfs), &self->se.cfs_rq);
	bpf_probe_read_kernel(&rq, sizeof(rq), &cfs->rq);
	bpf_probe_read_kernel(&current, sizeof(current), (const void *)((u64)rq + current_task_at));
	if (current == self)
		ctl.preempt_count = (u64)rq + preempt_count_at - (u64)percpu(here, 0);
}

/*
 * What a task entered the kernel with is as far from its stack for all tasks. Where no helper tells
 * (before 5.15) it is found where task_pt_regs() in the kernel's own headers has it, at the end of
 * the stack; on x86 and arm64.
 */
static __always_inline void learn_regs(struct task_struct *self)
{
	struct vm_struct *area = NULL;
	u32 pages = 0;
	u64 stack = 0;

	if (ctl.regs)
		return;
	bpf_probe_read_kernel(&stack, sizeof(stack), &self->stack);
	if (have_task_pt_regs) {
		/* Through memory: there it is a number, and numbers can be subtracted. */
		ctl.regs = (u64)bpf_task_pt_regs(self);
		ctl.regs -= stack;
	} else if (field_exists(self->stack_vm_area)) {
		bpf_probe_read_kernel(&area, sizeof(area), &self->stack_vm_area);
		bpf_probe_read_kernel(&pages, sizeof(pages), &area->nr_pages);
		ctl.regs = pages * page_size - kernel_type_size(struct pt_regs);
	}
}

/* Learns who walks over the tasks: the tracer. here is a value of any per-CPU map. */
static __always_inline void learn_self(const void *here)
{
	struct task_struct *self = task_current();
	struct pid *pid = NULL;
	u32 level = 0;
	u64 ns = 0;

	ctl.self = bpf_get_current_pid_tgid() >> 32;
	bpf_probe_read_kernel(&pid, sizeof(pid), &self->thread_pid);
	bpf_probe_read_kernel(&level, sizeof(level), &pid->level);
	ctl.level = level;
	if (level <= 32)
		bpf_probe_read_kernel(&ns, sizeof(ns), &pid->numbers[level].ns);
	ctl.ns = ns;
	learn_percpu(self, here);
	learn_regs(self);
}

static __always_inline u32 read_u32(const void *address)
{
	u32 v = 0;

	if (bpf_rdonly_cast)
		return *(volatile u32 *)bpf_rdonly_cast(address,
							kernel_type_id(struct refcount_struct));
	bpf_probe_read_kernel(&v, sizeof(v), address);
	return v;
}

/* Whether it is runnable. A task that sleeps can stay queued (6.12). */
static __always_inline bool task_queued(struct task_struct *t)
{
	if (task_state(t) == TASK_WAKING)
		return true;
	return task_on_rq(t) && !(field_exists(t->se.sched_delayed) && t->se.sched_delayed);
}

/* The CPU it is or was on, -1: not known. */
static __always_inline u16 task_cpu(struct task_struct *t)
{
	if (field_exists(t->thread_info.cpu))
		return t->thread_info.cpu;
	if (field_exists(((struct task_struct___cpu *)t)->cpu))
		return ((struct task_struct___cpu *)t)->cpu;
	return -1;
}

static __always_inline u64 mark_at(u64 when, u32 state)
{
	return when << 2 | state;
}

#endif
