/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which tasks a walk finds to trace: a process, its threads, and their descendants. */
#ifndef SWITCHYARD_FOLLOW_H
#define SWITCHYARD_FOLLOW_H

#include "state.h"

enum follow {
	FOLLOW_NOT = 0,	 /* it is not to be traced, or is already */
	FOLLOW_LOST = 1, /* it is, and there was no memory */
	FOLLOW_NEW = 2,	 /* it is from now on */
};

/* Its process is the one to follow, and it lives. */
static __always_inline bool follow_root(struct task_struct *t)
{
	if (t->exit_state)
		return false;
	return ctl.root == ROOT_ALL ? t->tgid != ctl.self : task_nr(t->group_leader) == ctl.root;
}

/*
 * root is what follow_root says. Without it, its leader is followed already, or its parent is; the
 * tracer is left out even of its own ancestors' descendants. add is false if there is no room, and
 * drop undoes it.
 */
static __always_inline enum follow follow_task(struct task_struct *t, bool root,
					       bool (*add)(struct task_struct *),
					       void (*drop)(struct task_struct *))
{
	if (t->exit_state || is_traced(t))
		return FOLLOW_NOT;
	if (!root) {
		if (t->tgid == ctl.self)
			return FOLLOW_NOT;
		if (!is_traced(t->group_leader) && !is_traced(t->real_parent))
			return FOLLOW_NOT;
	}
	if (!add(t))
		return FOLLOW_LOST;
	if (t->exit_state) {
		/* It ended meanwhile, and sched_process_free may be over: nobody else will. */
		drop(t);
		return FOLLOW_NOT;
	}
	return FOLLOW_NEW;
}

#endif
