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

/* struct thread_info, of which kernel.h has other fields. */
struct thread_info___flags {
	unsigned long flags;
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

/* Whether the request has not been served: its flag is still set. */
static __always_inline bool cost_waits(struct task_struct *t, struct cost_request *r)
{
	struct thread_info___flags *info = (void *)&t->thread_info;

	if (!field_exists(info->flags))
		return true;
	return info->flags >> (r->flag & 63) & 1;
}

static __always_inline struct cost_request *cost_request_of(u32 cpu)
{
	return bpf_map_lookup_elem(&cost_requests, &cpu);
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
	r->flag = ctx[2];
	r->when = now;
	return 0;
}

/* Attached last. */
SEC("tp_btf/sched_entry_tp")
int cost_entry(u64 *ctx)
{
	struct cost_cpu *c = cost_cpu();
	struct cost_request *r = cost_request_of(bpf_get_smp_processor_id());

	if (!c)
		return 0;
	/* The scheduler ran since, and chose the same task. */
	if (r && unlikely(r->when) && !cost_waits(bpf_get_current_task_btf(), r)) {
		r->when = 0;
		if (cost.window)
			c->unserved++;
	}
	c->entered = bpf_ktime_get_ns();
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
static __always_inline void cost_serve(struct cost_cpu *c, u64 now)
{
	struct cost_request *r = cost_request_of(bpf_get_smp_processor_id());
	u64 when;

	if (!r)
		return;
	when = r->when;
	if (likely(!when))
		return;
	r->when = 0;
	if (!cost.window)
		return;
	if ((s64)(now - when) < 0)
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
	cost_serve(c, now);
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
	u64 *null;
	u32 i;

	if (!c || !c->null)
		return 0;
	i = c->nulls++ % COST_NULLS;
	null = bpf_map_lookup_elem(&cost_nulls, &i);
	if (null)
		*null = now - c->null;
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
