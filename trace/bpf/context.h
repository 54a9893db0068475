/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the CPU was doing when a probe ran, besides running its current task. */
#ifndef SWITCHYARD_CONTEXT_H
#define SWITCHYARD_CONTEXT_H

#include "state.h"

/* include/linux/preempt.h. A softirq is being served only where the lowest of its bits is set. */
#define SOFTIRQ_OFFSET 0x100
#define HARDIRQ_MASK   0xf0000
#define NMI_MASK       0xf00000

/*
 * The preempt count, with only the bits of interrupts in it; 0 where it cannot be found. here is
 * this CPU's value of the map learn_self had.
 */
static __always_inline u32 interrupt(const void *here)
{
	u64 distance = ctl.preempt_count;
	u32 count;

	if (field_exists(((struct task_struct *)0)->thread_info.preempt_count))
		count = read_u32(&task_current()->thread_info.preempt_count);
	else if (here && distance)
		count = read_u32(percpu(here, distance));
	else
		return 0;
	return count & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET);
}

/* Whether the task, which is about to leave the CPU, is in sched_yield(2). */
static __always_inline bool yielding(struct task_struct *t)
{
	const struct pt_regs *regs;
	u64 distance = ctl.regs;

	if (!distance || !t->mm) /* a kernel thread called nothing */
		return false;
	regs = (const struct pt_regs *)((u64)t->stack + distance);
	if (field_exists(regs->orig_ax))
		return read_u32(&regs->orig_ax) == nr_sched_yield;
	if (field_exists(((struct pt_regs___arm64 *)regs)->syscallno))
		return read_u32(&((struct pt_regs___arm64 *)regs)->syscallno) == nr_sched_yield;
	return false;
}

#endif
