/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The kernel's types, trimmed to the fields that are read. Offsets are not those of any kernel:
 * every access is relocated against the running kernel's BTF when a program is loaded (CO-RE), so
 * order and size do not matter.
 */
#ifndef SWITCHYARD_KERNEL_H
#define SWITCHYARD_KERNEL_H

#include "types.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct mm_struct;
struct seq_file;
struct callback_head;

struct task_struct;

struct rq {
	struct task_struct
		*curr; /* set to the next task before nvcsw and nivcsw are, in a switch */
};

/* Any type of the kernel that begins with 32 bits: what a read of a number goes by. */
struct refcount_struct {
	u32 refs;
};

struct cfs_rq {
	struct rq *rq; /* with CONFIG_FAIR_GROUP_SCHED */
};

struct sched_entity {
	u64 sum_exec_runtime;
	struct cfs_rq *cfs_rq;
	unsigned char sched_delayed; /* 6.12 */
};

struct pid_namespace;

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

typedef struct {
	unsigned long sig[1];
} sigset_t;

struct sigpending {
	sigset_t signal;
};

struct signal_struct {
	struct sigpending shared_pending;
};

struct thread_info {
	u64 preempt_count; /* arm64; x86 has a per-CPU variable */
	u32 status;	   /* x86: TS_COMPAT */
	u32 cpu;	   /* 5.16 and later, everywhere */
};

struct sched_info {
	unsigned long long run_delay; /* with CONFIG_SCHED_INFO */
	unsigned long long last_queued;
};

struct vm_struct {
	unsigned int nr_pages;
};

struct task_struct {
	struct thread_info thread_info;
	void *stack;
	struct vm_struct *stack_vm_area; /* with CONFIG_VMAP_STACK */
	unsigned int __state;		 /* see task_state */
	int on_cpu;			 /* see task_on_cpu and task_on_rq */
	int on_rq;
	int exit_state;
	int prio;
	unsigned int flags;
	struct sched_info sched_info;
	int pid;
	int tgid;
	struct sched_entity se;
	struct mm_struct *mm;
	struct mm_struct *active_mm;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	u64 utime;
	u64 stime;
	unsigned long nvcsw;
	unsigned long nivcsw;
	u64 start_boottime; /* 5.5 */
	unsigned long min_flt;
	unsigned long maj_flt;
	char comm[16];
	struct signal_struct *signal;
	struct sigpending pending;
	struct callback_head *task_works;
};

/* What a system call was entered with; each architecture has some of these. */
struct pt_regs {
	unsigned long orig_ax; /* x86 */
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

/* The same type under the names it has on arm64; the part after ___ is not compared. */
struct pt_regs___arm64 {
	u64 pstate;
	int syscallno;
} __attribute__((preserve_access_index));

/* Before 5.14 (kernel commit 2f064a59a11f). */
struct task_struct___old {
	long state;
} __attribute__((preserve_access_index));

/* Since 7.0 these are bytes. */
struct task_struct___small {
	unsigned char on_cpu;
	unsigned char on_rq;
} __attribute__((preserve_access_index));

/* Where the CPU was before 5.16. */
struct task_struct___cpu {
	u32 cpu;
} __attribute__((preserve_access_index));

/* The steps in which a CPU comes up and goes down; each kernel numbers them in its own way. */
enum cpuhp_state {
	CPUHP_TEARDOWN_CPU = 1, /* it goes */
};

/* include/linux/sched.h */
#define PF_KTHREAD  0x00200000
#define TASK_DEAD   0x80  /* set once, before a task's last switch */
#define TASK_WAKING 0x200 /* its waker is choosing a CPU for it */

/* The system call is one of the 32-bit ABI: arch/x86/include/asm/thread_info.h */
#define TS_COMPAT 0x2
/* The task runs in AArch32: arch/arm64/include/asm/ptrace.h */
#define PSR_MODE32_BIT 0x10
/* With the number: it is one of the x32 ABI. arch/x86/include/uapi/asm/unistd.h */
#define X32_SYSCALL_BIT 0x40000000

#endif
