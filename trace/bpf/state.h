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

/* The same section in all objects, so that they share the map it becomes. */
volatile struct control ctl SEC(".data.ctl");

/* Set before loading, and then constant: what is off costs nothing. */
const volatile u32 max_rows = 1;
const volatile bool with_cpu = true;	      /* somebody reads struct cpu */
const volatile bool have_prev_state = true;   /* sched_switch has a fourth argument */
const volatile s64 preempt_count_at = 0; /* __preempt_count, from the run queue on; 0: not known */
const volatile s64 current_task_at = 0;	 /* current_task, likewise */
const volatile bool have_task_pt_regs = true;
const volatile u32 nr_sched_yield = 24;
const volatile u64 user_top = 0x800000000000; /* the first address that is the kernel's */

/* The one clock. Later additions may need it to be another: nothing else may read a clock. */
static __always_inline u64 clock(void)
{
	return bpf_ktime_get_ns();
}

/*
 * False for most tasks that are not traced: they never had storage of any kind. It costs a load; a
 * probe asks before it reads its clock, which is then later by 1 ns, so that other people's tasks
 * do not pay for it.
 */
static __always_inline bool task_may(struct task_struct *t)
{
	return t->bpf_storage;
}

/* The storage of a traced task, NULL for any other. */
static __always_inline struct task *task_get(struct task_struct *t)
{
	if (!task_may(t))
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
	u32 level = ctl.level, nr = 0;
	struct pid *pid;

	if (!level)
		return t->pid;
	pid = t->thread_pid;
	if (!pid || level > 32 || pid->level < level)
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

/* The next free row, NULL when there is none left: the task is then among the others. */
static __always_inline struct row *row_new(struct task_struct *t, struct task *ts)
{
	u32 i = __sync_fetch_and_add(&ctl.rows, 1);
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

/*
 * This CPU's instance of a per-CPU variable. The kernel need not have its symbol
 * (CONFIG_KALLSYMS_ALL), so start from one a task points to: the run queue of the CPU it is on.
 */
static __always_inline const void *percpu(struct task_struct *current, s64 at)
{
	if (!field_exists(current->se.cfs_rq->rq))
		return NULL;
	return (const void *)((u64)current->se.cfs_rq->rq + at);
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

static __always_inline u64 mark_at(u64 when, u32 state)
{
	return when << 2 | state;
}

#endif
