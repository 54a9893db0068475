// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What a switch costs, on one CPU: sched_entry_tp, sched_switch, and sched_exit_tp of the task that
 * came. Each program either reads the clock as the first thing it does and ends an interval, or as
 * the last and begins one. Between two stamps there is then, besides the kernel's work, what it
 * takes to leave one program and to get into another: as much as between two programs in a row with
 * nothing between them, which is what the calibration measures. At the hooks in the middle,
 * programs of others run between ours: what the first of ours ends, the last begins anew.
 */
#include "cost.h"
#include "hist.h"
#include "kernel.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COST_HISTS);
	__type(key, u32);
	__type(value, struct hist);
} cost_hists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cost_cpu);
} cost_cpus SEC(".maps");

/* One for each CPU. Not a per-CPU map: a request for a CPU comes from any. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cost_request);
} cost_requests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COST_NULLS);
	__type(key, u32);
	__type(value, u64);
} cost_nulls SEC(".maps");

volatile struct cost_control cost SEC(".data.cost");

/* Structures of which kernel.h has other fields. */
struct thread_info___flags {
	unsigned long flags;
} __attribute__((preserve_access_index));

struct rq___cpu {
	int cpu; /* with CONFIG_SMP */
} __attribute__((preserve_access_index));

static __always_inline struct cost_cpu *cost_cpu(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&cost_cpus, &zero);
}

static __always_inline void cost_add(u32 id, u64 ns)
{
	struct hist *h = bpf_map_lookup_elem(&cost_hists, &id);
	u32 i = hist_bucket(ns);

	/* The verifier must see that what is compared is what is used; on 6.1 it needs help. */
	asm volatile("" : "+r"(i));
	if (!h || i >= HIST_BUCKETS)
		return;
	h->buckets[i]++;
	h->sum += ns;
	if (ns > h->max)
		h->max = ns;
}

/* What is left of a part without the probe. */
static __always_inline u64 cost_less(struct cost_cpu *c, u32 part, u64 ns, u64 probe)
{
	if ((s64)ns >= (s64)probe)
		return ns - probe;
	c->clamped[part]++;
	return 0;
}

/* The address may be one that was found, and not an argument. */
static __always_inline u64 cost_flags(struct task_struct *t)
{
	struct thread_info___flags *info = (void *)&t->thread_info;
	u64 flags = 0;

	if (field_size(info->flags) <= sizeof(flags))
		bpf_probe_read_kernel(&flags, field_size(info->flags), &info->flags);
	return flags;
}

/* Whether the request has not been served: its flag is still set. */
static __always_inline bool cost_waits(struct task_struct *t, struct cost_request *r)
{
	struct thread_info___flags *info = (void *)&t->thread_info;

	return !field_exists(info->flags) || cost_flags(t) & r->flags;
}

static __always_inline struct cost_request *cost_request_of(u32 cpu)
{
	return bpf_map_lookup_elem(&cost_requests, &cpu);
}

static __always_inline void cost_ask(struct cost_request *r, u64 now, u64 t, u64 flags, bool late)
{
	if (r->when && cost.window)
		r->unserved++;
	r->task = t;
	r->flags = flags;
	r->entered = 0;
	r->late = late;
	r->when = now;
}

/*
 * Not on all kernels, see needReschedSafe. The flag is set just after this. A request is left as it
 * is while it waits, so that a second one, more urgent, does not make it younger.
 */
SEC("tp_btf/sched_set_need_resched_tp")
int cost_need_resched(u64 *ctx)
{
	u64 now = bpf_ktime_get_ns();
	struct task_struct *t = (struct task_struct *)ctx[0];
	struct cost_request *r = cost_request_of(ctx[1]);

	if (!r || !t->pid) /* idle: nobody is preempted */
		return 0;
	if (r->when && cost_waits(t, r))
		return 0;
	cost_ask(r, now, ctx[0], 1UL << (ctx[2] & 63), false);
	return 0;
}

/* The run queue a task is on, or was on last. */
static __always_inline struct rq *cost_rq(struct task_struct *t)
{
	return field_exists(t->se.cfs_rq->rq) ? t->se.cfs_rq->rq : NULL;
}

static __always_inline u32 cost_rq_cpu(struct rq *rq)
{
	struct rq___cpu *r = (void *)rq;

	return field_exists(r->cpu) ? r->cpu : 0;
}

/* The task that runs on a CPU, NULL: the idle task, which nobody has to preempt. */
static __always_inline struct task_struct *cost_running(struct rq *rq)
{
	struct task_struct *t = NULL;
	int pid = 0;

	bpf_probe_read_kernel(&t, sizeof(t), &rq->curr);
	bpf_probe_read_kernel(&pid, sizeof(pid), &t->pid);
	return pid ? t : NULL;
}

/*
 * A task that runs, seen at a waking. It has to go; is that news? A request the scheduler has run
 * after is not the one that is seen, or will be served at once.
 */
static __always_inline void cost_see(struct task_struct *t, u32 cpu, u64 now, bool late)
{
	struct cost_request *r = cost_request_of(cpu);

	if (!r || !(cost_flags(t) & cost.flags))
		return;
	if (r->when && r->task == (u64)t && !r->entered)
		return;
	cost_ask(r, now, (u64)t, cost.flags, late);
}

/*
 * Before a waking. What a task has been asked for already, by the tick for one, was asked at a time
 * that is not known. The woken task goes to its old CPU or to this one, most often. No lock is
 * held: the CPU may switch meanwhile, and what is written then is of a task that does not run.
 */
SEC("tp_btf/sched_waking")
int cost_waking(u64 *ctx)
{
	u64 now = bpf_ktime_get_ns();
	struct task_struct *current = (struct task_struct *)bpf_get_current_task(), *t;
	struct rq *rq = cost_rq((struct task_struct *)ctx[0]);
	u32 here = bpf_get_smp_processor_id();
	int pid = 0;

	bpf_probe_read_kernel(&pid, sizeof(pid), &current->pid);
	if (pid)
		cost_see(current, here, now, true);
	if (!rq || cost_rq_cpu(rq) == here)
		return 0;
	t = cost_running(rq);
	if (t)
		cost_see(t, cost_rq_cpu(rq), now, true);
	return 0;
}

/*
 * After it, when the running task has been told to go if the woken one is to have its CPU
 * (wakeup_preempt, or check_preempt_curr, kernel/sched/core.c). The run queue's lock is held. It is
 * not so at sched_wakeup_new, which comes before.
 */
SEC("tp_btf/sched_wakeup")
int cost_woken(u64 *ctx)
{
	u64 now = bpf_ktime_get_ns();
	struct rq *rq = cost_rq((struct task_struct *)ctx[0]);
	struct task_struct *t;

	if (!rq)
		return 0;
	t = cost_running(rq);
	if (t)
		cost_see(t, cost_rq_cpu(rq), now, false);
	return 0;
}

/* The scheduler runs. If it did so before since the request, it chose the same task. */
static __always_inline void cost_enter(void)
{
	struct cost_request *r = cost_request_of(bpf_get_smp_processor_id());

	if (!r || likely(!r->when))
		return;
	if (!r->entered && cost_waits((struct task_struct *)bpf_get_current_task(), r)) {
		r->entered = 1;
		return;
	}
	r->when = 0;
	if (cost.window)
		r->unserved++;
}

/* Attached last. */
SEC("tp_btf/sched_entry_tp")
int cost_entry(u64 *ctx)
{
	struct cost_cpu *c = cost_cpu();

	if (!c)
		return 0;
	cost_enter();
	c->entered = bpf_ktime_get_ns();
	return 0;
}

/* What the scheduler calls first, before 6.15. */
SEC("kprobe/rcu_note_context_switch")
int cost_note(void *ctx)
{
	cost_enter();
	return 0;
}

static __always_inline u32 cost_kind_of(struct task_struct *prev, struct task_struct *next)
{
	bool other = next->mm && prev->active_mm != next->mm;

	if (!prev->pid)
		return other ? COST_IDLE_ADDRESS_SPACE : COST_IDLE;
	if (!next->pid)
		return COST_LAZY_IDLE;
	if (!next->mm)
		return COST_LAZY;
	if (other)
		return COST_ADDRESS_SPACE;
	return prev->mm ? COST_THREAD : COST_KEPT;
}

/* The run queue's lock is held, without which no request is made for this CPU. */
static __always_inline void cost_serve(struct cost_cpu *c, u64 prev, u64 now)
{
	struct cost_request *r = cost_request_of(bpf_get_smp_processor_id());
	u64 when;

	if (!r)
		return;
	when = r->when;
	if (likely(!when))
		return;
	r->when = 0;
	if (!cost.window || r->task != prev)
		return;
	if (r->late)
		r->older++;
	else if ((s64)(now - when) < 0)
		c->negative++;
	else
		cost_add(COST_PREEMPTION, now - when);
}

/* Attached before the programs of others. */
SEC("tp_btf/sched_switch")
int cost_switch_first(u64 *ctx)
{
	u64 now = bpf_ktime_get_ns();
	struct task_struct *prev = (struct task_struct *)ctx[1];
	struct task_struct *next = (struct task_struct *)ctx[2];
	struct cost_cpu *c = cost_cpu();

	if (!c)
		return 0;
	if (unlikely(c->open)) {
		/* Its end was skipped, or came when nobody was there. */
		if (c->open == cost.last)
			c->unended++;
		c->open = 0;
	}
	cost_serve(c, ctx[1], now);
	if (!cost.window)
		return 0;
	c->open = cost.window;
	c->switches++;
	c->kind = cost_kind_of(prev, next);
	c->next = (u64)next;
	c->tlb = COST_TLB_UNKNOWN;
	c->chosen = now;
	c->switched = 0;
	c->flushing = 0;
	c->aside = 0;
	return 0;
}

/* Attached after them. */
SEC("tp_btf/sched_switch")
int cost_switch_last(u64 *ctx)
{
	struct cost_cpu *c = cost_cpu();

	if (c)
		c->switched = bpf_ktime_get_ns();
	return 0;
}

#define ON_TASK_SWITCH 0      /* enum tlb_flush_reason */
#define ALL	       (~0UL) /* TLB_FLUSH_ALL; 0 pages: its entries were still good */

/* A switch that is under way on this CPU, past sched_switch. */
static __always_inline struct cost_cpu *cost_flushing(u64 *ctx)
{
	struct cost_cpu *c;

	if ((int)ctx[0] != ON_TASK_SWITCH)
		return NULL;
	c = cost_cpu();
	return c && c->open && c->switched ? c : NULL;
}

SEC("tp_btf/tlb_flush")
int cost_tlb_first(u64 *ctx)
{
	u64 now = bpf_ktime_get_ns();
	struct cost_cpu *c = cost_flushing(ctx);

	if (!c)
		return 0;
	c->tlb = ctx[1] == ALL ? COST_TLB_FLUSHED : COST_TLB_KEPT;
	c->flushing = now;
	return 0;
}

SEC("tp_btf/tlb_flush")
int cost_tlb_last(u64 *ctx)
{
	struct cost_cpu *c = cost_flushing(ctx);

	if (c && c->flushing)
		c->aside = bpf_ktime_get_ns() - c->flushing;
	return 0;
}

static __always_inline void cost_ended(struct cost_cpu *c, u64 now)
{
	u64 choosing, switching, probe = cost.probe;
	u32 kind = c->kind;

	if (unlikely(!c->open)) {
		if (cost.window)
			c->unseen++;
		c->entered = 0;
		return;
	}
	if (c->open != cost.last || !c->switched || c->next != bpf_get_current_task()) {
		/*
		 * Of a window long closed, or the last of sched_switch's programs was skipped, or
		 * it was to a task that the kernel keeps from tracing, and this is the end of a
		 * later switch.
		 */
		if (c->open == cost.last)
			c->unended++;
		c->entered = 0;
		c->open = 0;
		return;
	}
	if (kind == COST_ADDRESS_SPACE && c->tlb)
		kind = c->tlb == COST_TLB_FLUSHED ? COST_ADDRESS_SPACE_FLUSH :
						    COST_ADDRESS_SPACE_NO_FLUSH;
	kind *= COST_PARTS;
	/* tlb_flush is a second way out of one program and into another. */
	switching = cost_less(c, COST_SWITCHING, now - c->switched,
			      (c->flushing ? 2 * probe : probe) + c->aside);
	cost_add(kind + COST_SWITCHING, switching);
	if (c->entered) {
		choosing = cost_less(c, COST_CHOOSING, c->chosen - c->entered, probe);
		cost_add(kind + COST_CHOOSING, choosing);
		cost_add(kind + COST_TOTAL, choosing + switching);
	} else {
		c->unentered++;
	}
	c->entered = 0;
	c->open = 0;
}

/* Attached first. New tasks come by as well (schedule_tail). */
SEC("tp_btf/sched_exit_tp")
int cost_exit(u64 *ctx)
{
	u64 now = bpf_ktime_get_ns();
	bool switched = ctx[0];
	struct cost_cpu *c = cost_cpu();

	if (c && switched)
		cost_ended(c, now);
	return 0;
}

/* The best there is before 6.15: after every switch, on the stack of the task that came. */
SEC("kprobe/finish_task_switch")
int cost_finish(void *ctx)
{
	u64 now = bpf_ktime_get_ns();
	struct cost_cpu *c = cost_cpu();

	if (c)
		cost_ended(c, now);
	return 0;
}

static __always_inline void cost_sample(struct cost_cpu *c, u64 value)
{
	u32 i = c->nulls++ % COST_NULLS;
	u64 *null = bpf_map_lookup_elem(&cost_nulls, &i);

	if (null)
		*null = value;
}

/* The calibration: two programs in a row. */
SEC("tp_btf/sched_switch")
int cost_null_first(u64 *ctx)
{
	struct cost_cpu *c = cost_cpu();

	if (c)
		c->null = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/sched_switch")
int cost_null_last(u64 *ctx)
{
	u64 now = bpf_ktime_get_ns();
	struct cost_cpu *c = cost_cpu();

	if (c && c->null)
		cost_sample(c, now - c->null);
	return 0;
}

/*
 * Which flag tells a task to go: no type names it, and its number is another on each architecture,
 * and not the same in all versions. It is the one the running task has after a waking and has not
 * when it is switched from.
 */
SEC("tp_btf/sched_wakeup")
int cost_flag_first(u64 *ctx)
{
	struct rq *rq = cost_rq((struct task_struct *)ctx[0]);
	struct cost_request *r;
	struct task_struct *t;

	if (!rq)
		return 0;
	t = cost_running(rq);
	r = cost_request_of(cost_rq_cpu(rq));
	if (!t || !r)
		return 0;
	r->flags = cost_flags(t);
	r->task = (u64)t;
	return 0;
}

SEC("tp_btf/sched_switch")
int cost_flag_last(u64 *ctx)
{
	struct cost_request *r = cost_request_of(bpf_get_smp_processor_id());
	struct cost_cpu *c = cost_cpu();
	u64 flags;

	if (!c || !r)
		return 0;
	flags = r->flags & ~cost_flags((struct task_struct *)ctx[1]);
	if (r->task == ctx[1] && flags)
		cost_sample(c, flags);
	r->task = 0;
	return 0;
}

/* BTF keeps only types that are used; Go's are made from these. */
const volatile struct {
	enum cost_kind kind;
	enum cost_part part;
	enum cost_hist hist;
	enum cost_ring ring;
	struct cost_cpu *cpu;
	struct cost_control *control;
	struct cost_request *request;
} cost_types;

char LICENSE[] SEC("license") = "Dual BSD/GPL";
