/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps all programs share, and the only ways to reach them. */
#ifndef SWITCHYARD_STATE_H
#define SWITCHYARD_STATE_H

#include "count.h"
#include "helpers.h"
#include "kernel.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task);
} tasks SEC(".maps");

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

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk);
} walks SEC(".maps");

/* Set from Go while programs run; one section in all objects, so that they share one map. */
volatile u32 ctl_epoch SEC(".data.ctl");    /* the open window's number, 0: none */
volatile u32 ctl_closing SEC(".data.ctl");  /* the window is being closed: what is born now is not in it */
volatile u32 ctl_adopting SEC(".data.ctl"); /* children of traced tasks are traced */
volatile u32 ctl_mode SEC(".data.ctl");	    /* enum walk_mode */
volatile u32 ctl_root SEC(".data.ctl");	    /* the process to follow, in the tracer's PID namespace */
volatile u32 ctl_self SEC(".data.ctl");	    /* the tracer itself, in the first PID namespace */
volatile u32 ctl_level SEC(".data.ctl");    /* depth of the tracer's PID namespace */
volatile u32 ctl_force SEC(".data.ctl");    /* take a task as it is, however unsteady */
u64 ctl_rows SEC(".data.ctl");		    /* rows handed over, or for which there was no room */

/* Set before loading, and then constant: what is off costs nothing. */
const volatile u32 max_rows = 1;
const volatile bool with_cpu = true;	      /* somebody reads struct cpu */
const volatile bool have_prev_state = true;   /* sched_switch has a fourth argument */
const volatile bool have_preempt_count = true; /* the per-CPU variable __preempt_count is in BTF */
const volatile bool have_task_pt_regs = true;
const volatile u32 nr_sched_yield = 24;
const volatile u64 user_top = 0x800000000000; /* the first address that is the kernel's */

/* The one clock. Later additions may need it to be another: nothing else may read a clock. */
static __always_inline u64 clock(void)
{
	return bpf_ktime_get_ns();
}

/*
 * The storage of a traced task, NULL for any other. Most tasks never had storage of any kind, and reading their
 * pointer is a fraction of the helper's price.
 */
static __always_inline struct task *task_get(struct task_struct *t)
{
	if (!t->bpf_storage)
		return NULL;
	return bpf_task_storage_get(&tasks, t, NULL, 0);
}

/* The same, made when there is none. NULL: no memory. Only where sleeping locks may be taken. */
static __always_inline struct task *task_make(struct task_struct *t)
{
	return bpf_task_storage_get(&tasks, t, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

static __always_inline void task_drop(struct task_struct *t)
{
	bpf_task_storage_delete(&tasks, t);
}

/* The caller's CPU's part of the window numbered epoch. */
static __always_inline struct window *window_of(u32 epoch)
{
	u32 slot = epoch & 1;

	return bpf_map_lookup_elem(&windows, &slot);
}

static __always_inline struct cpu *this_cpu(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&cpus, &zero);
}

/* True once for each task and window: the caller accounts for it. */
static __always_inline bool claim(struct task *ts, u32 epoch)
{
	return epoch && __sync_val_compare_and_swap(&ts->epoch, epoch, 0) == epoch;
}

/* The thread's number as the tracer's PID namespace knows it, 0: it does not. */
static __always_inline u32 task_nr(struct task_struct *t)
{
	u32 level = ctl_level, nr = 0;
	struct pid *pid;

	if (!level)
		return t->pid;
	pid = t->thread_pid;
	if (!pid || level > 32 || pid->level < level)
		return 0;
	bpf_probe_read_kernel(&nr, sizeof(nr), &pid->numbers[level].nr);
	return nr;
}

/* The kernel's books on a task, the counts from COUNT_BOOKS to COUNT_MAJ_FLT. */
static __always_inline void read_books(struct task_struct *t, u64 *books)
{
	books[COUNT_NVCSW - COUNT_BOOKS] = t->nvcsw;
	books[COUNT_NIVCSW - COUNT_BOOKS] = t->nivcsw;
	books[COUNT_SUM_EXEC - COUNT_BOOKS] = t->se.sum_exec_runtime;
	books[COUNT_UTIME - COUNT_BOOKS] = t->utime;
	books[COUNT_STIME - COUNT_BOOKS] = t->stime;
	books[COUNT_MIN_FLT - COUNT_BOOKS] = t->min_flt;
	books[COUNT_MAJ_FLT - COUNT_BOOKS] = t->maj_flt;
}

/* The next free row, NULL when there is none left: the task is then among the others. */
static __always_inline struct row *row_new(struct task_struct *t, struct task *ts)
{
	u32 i = __sync_fetch_and_add(&ctl_rows, 1);
	struct row *r;

	if (i >= max_rows)
		return NULL;
	r = bpf_map_lookup_elem(&rows, &i);
	if (!r)
		return NULL;
	r->tid = ts->tid;
	r->tgid = ts->tgid;
	r->start = t->start_boottime;
	__builtin_memcpy(r->comm, t->comm, sizeof(r->comm));
	return r;
}

static __always_inline u64 mark_at(u64 when, u32 state)
{
	return when << 2 | state;
}

#endif
