// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Tasks that appear, start programs, change their names and end: of all tasks on the machine,
 * traced or not. They are few, and a switch or a waking needs to send no names then: who a number
 * stands for is known from here and from the walk.
 */
#include "ring.h"

static __always_inline void identity(struct task_struct *t, u8 kind, u8 flags, u32 old,
				     const char *comm)
{
	record_identity(t, kind, flags, bpf_get_current_pid_tgid(), old, comm);
}

/* All new tasks pass here, io_uring's workers too, which sched_process_fork does not show. */
SEC("tp_btf/task_newtask")
int rec_new(u64 *ctx)
{
	struct task_struct *t = (struct task_struct *)ctx[0];
	u8 flags = 0;

	record_drop(t); /* what has its address was another, see traced_remove */
	if (!rec.on)
		return 0;
	if (t->tgid == bpf_get_current_pid_tgid() >> 32)
		flags |= RECORD_THREAD;
	if (t->flags & PF_KTHREAD)
		flags |= RECORD_KERNEL;
	if (record_all) {
		flags |= RECORD_ADOPTED;
	} else if (ctl.adopting && traced_current(task_current()) >= 0) {
		if (record_add(t))
			flags |= RECORD_ADOPTED;
		else
			__sync_fetch_and_add(&rec.lost, 1);
	}
	identity(t, RECORD_NEW, flags, 0, NULL);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int rec_exec(u64 *ctx)
{
	if (rec.on)
		identity((struct task_struct *)ctx[0], RECORD_EXEC, 0, ctx[1], NULL);
	return 0;
}

/* The name has not changed yet. */
SEC("tp_btf/task_rename")
int rec_rename(u64 *ctx)
{
	struct task_struct *t = (struct task_struct *)ctx[0];

	if (!rec.on)
		return 0;
	record_traced(t); /* says first if exec has given it another number */
	identity(t, RECORD_RENAME, 0, 0, (const char *)ctx[1]);
	return 0;
}

static __always_inline int end(struct task_struct *t, u8 kind)
{
	struct record_end *e;

	if (!rec.on)
		return 0;
	record_traced(t); /* says first if it has another number */
	e = ring_reserve(struct record_end, record_clock());
	if (!e)
		return 0;
	record_head(&e->r, record_clock(), kind, 0, t->pid);
	e->start = t->start_boottime;
	ring_submit(e, sizeof(*e));
	return 0;
}

SEC("tp_btf/sched_process_exit")
int rec_exit(u64 *ctx)
{
	return end((struct task_struct *)ctx[0], RECORD_EXIT);
}

SEC("tp_btf/sched_process_free")
int rec_free(u64 *ctx)
{
	struct task_struct *t = (struct task_struct *)ctx[0];

	end(t, RECORD_FREE);
	record_drop(t);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
