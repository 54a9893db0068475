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

/*
 * Whether the system call a task is in is one of the 32-bit ABI, whose numbers mean something else.
 * On x86 any program can make such calls (int $0x80), so that the code segment does not tell; on
 * arm64 the mode the task came from does.
 */
static __always_inline bool compat_call(struct task_struct *t, const struct pt_regs *regs)
{
	if (field_exists(regs->orig_ax)) {
		if (field_exists(t->thread_info.status))
			return read_u32(&t->thread_info.status) & TS_COMPAT;
		return false;
	}
	if (field_exists(((struct pt_regs___arm64 *)regs)->pstate))
		return read_u32(&((struct pt_regs___arm64 *)regs)->pstate) & PSR_MODE32_BIT;
	return false;
}

/* x86: a number of the x32 ABI. -1, which is none of any ABI, has the bit too. */
static __always_inline bool x32_call(u32 nr)
{
	return (nr & ~(X32_SYSCALL_BIT - 1)) == X32_SYSCALL_BIT;
}

#define NR_SCHED_YIELD_COMPAT 158 /* of both, i386 and arm */

/* Whether the task, which is about to leave the CPU, is in sched_yield(2). */
static __always_inline bool yielding(struct task_struct *t)
{
	const struct pt_regs *regs;
	u64 distance = ctl.regs;
	u32 nr;

	if (!distance || !t->mm) /* a kernel thread called nothing */
		return false;
	regs = (const struct pt_regs *)((u64)t->stack + distance);
	if (field_exists(regs->orig_ax))
		nr = read_u32(&regs->orig_ax);
	else if (field_exists(((struct pt_regs___arm64 *)regs)->syscallno))
		nr = read_u32(&((struct pt_regs___arm64 *)regs)->syscallno);
	else
		return false;
	if (field_exists(regs->orig_ax) && x32_call(nr))
		nr &= ~X32_SYSCALL_BIT;
	if (nr == nr_sched_yield)
		return !compat_call(t, regs);
	return nr == NR_SCHED_YIELD_COMPAT && compat_call(t, regs);
}

#endif
