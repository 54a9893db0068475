/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The task that was on a CPU when it went offline, its stopper: nobody saw it leave. What it did
 * until it is seen again is not known, and told apart, so that the sums can leave it out.
 */
#ifndef SWITCHYARD_STRANDED_H
#define SWITCHYARD_STRANDED_H

#include "hotplug.h"

/* What is kept of the last window goes when there is a new one. */
static __always_inline void offline_window(struct offline *o, u32 epoch)
{
	if (o->epoch == epoch)
		return;
	o->epoch = epoch;
	o->times = 0;
	o->tid = 0;
	o->tgid = 0;
	o->start = 0;
	o->voluntary = 0;
	o->involuntary = 0;
	o->unknown = 0;
}

/* The CPU of a task that is said to be on it since a time, if that was offline since; or NULL. */
static __always_inline struct offline *stranded(struct task_struct *t, u64 since)
{
	struct offline *o = offline_of(task_cpu(t));

	return o && (o->since > since || o->until > since) ? o : NULL;
}

/* What is not known of it in the window by now: counts that only grow, less those at its opening.
 */
static __always_inline void stranded_note(struct task_struct *t, struct task *ts, struct offline *o,
					  u64 unknown)
{
	u32 epoch = ctl.epoch;

	if (!epoch || ts->epoch != epoch)
		return;
	offline_window(o, epoch);
	o->tid = ts->tid;
	o->tgid = ts->tgid;
	o->start = t->start_boottime;
	__builtin_memcpy(o->comm, t->comm, sizeof(o->comm));
	o->voluntary = t->nvcsw - ts->base[COUNT_NVCSW] -
		       (ts->n[COUNT_VOLUNTARY] - ts->base[COUNT_VOLUNTARY]);
	o->involuntary = t->nivcsw - ts->base[COUNT_NIVCSW] -
			 (ts->n[COUNT_INVOLUNTARY] - ts->base[COUNT_INVOLUNTARY]);
	o->unknown = unknown - ts->base[COUNT_UNKNOWN];
}

#endif
