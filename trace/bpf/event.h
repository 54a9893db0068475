/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the kernel side hands over in record depth: defined here once, generated into Go, sizes
 * asserted in both. The layouts are on disk, in spools: kinds are appended, never renumbered, and
 * the structs do not change without another spool version.
 */
#ifndef SWITCHYARD_EVENT_H
#define SWITCHYARD_EVENT_H

#include "types.h"

enum record_kind {
	RECORD_SWITCH = 1,
	RECORD_WAKING = 2,
	RECORD_WAKE_NEW = 3,
	RECORD_MIGRATE = 4,
	RECORD_NEW = 5,
	RECORD_EXEC = 6,
	RECORD_RENAME = 7,
	RECORD_EXIT = 8,
	RECORD_FREE = 9,
	RECORD_SYSCALL_ENTER = 10,
	RECORD_SYSCALL_EXIT = 11,
	/* 12 was never made, and is not to be another kind. */
	RECORD_LOST = 13,
	RECORD_NUMBER = 14,  /* the task has another number than before, and whoever had it has its
				old one */
	RECORD_BOOKS = 15,   /* since version 4 */
	RECORD_OFFLINE = 16, /* a CPU is offline, since shortly before; since version 5 */
	RECORD_ONLINE = 17,  /* it is back */
};

enum record_flag {
	/* of a switch */
	RECORD_PREEMPT = 1 << 0,   /* the tracepoint's argument */
	RECORD_VOLUNTARY = 1 << 1, /* !preempt && state */
	RECORD_YIELD = 1 << 2,	   /* out of sched_yield */
	RECORD_PAGE_TABLE = 3,	   /* how far to shift enum record_page_table */
	RECORD_PREV = 1 << 5,	   /* prev is traced */
	RECORD_NEXT = 1 << 6,	   /* next is traced */

	/* of a waking, a migration, a request to leave */
	RECORD_HARDIRQ = 1 << 0,
	RECORD_SOFTIRQ = 1 << 1,
	RECORD_NMI = 1 << 2,

	/* of a new task */
	RECORD_THREAD = 1 << 0,
	RECORD_KERNEL = 1 << 1,	 /* a kernel thread */
	RECORD_ADOPTED = 1 << 2, /* it is traced from now on */

	/* of a system call */
	RECORD_COMPAT = 1 << 0, /* of the 32-bit ABI: its number means something else */

	/* of a task's books */
	RECORD_RUN_DELAY = 1 << 0, /* the kernel keeps it */
};

enum record_page_table {
	PAGE_TABLE_LAZY = 0,	      /* next has no mm: the old one stays */
	PAGE_TABLE_ADDRESS_SPACE = 1, /* another is loaded */
	PAGE_TABLE_THREAD = 2,	      /* the same mm */
	PAGE_TABLE_KEPT = 3,	      /* next's was kept by a task without an mm */
};

/*
 * The head of every record. Tasks are named by their number in the first PID namespace, which all
 * of them have; what the tracer's calls them is with their identities and snapshots.
 */
struct record {
	u64 time; /* ns of CLOCK_BOOTTIME: see record_clock */
	u8 kind;
	u8 flags;
	u16 cpu;
	u32 task; /* whom it is about; of a switch, prev */
};
_Static_assert(sizeof(struct record) == 16, "struct record");

struct record_switch {
	struct record r;
	u32 next;
	u16 state; /* prev's, with exit_state */
	u8 prio;
	u8 next_prio;
	u16 nvcsw; /* prev's own counters, the low bits: this switch is in them */
	u16 nivcsw;
	u32 exec; /* prev's sum_exec_runtime, the low bits */
};
_Static_assert(sizeof(struct record_switch) == 32, "struct record_switch");

struct record_waking {
	struct record r;
	u32 by;	  /* current: it may be an interrupt that wakes */
	u16 from; /* the CPU the task was on last */
	u8 prio;
	u8 pad;
};
_Static_assert(sizeof(struct record_waking) == 24, "struct record_waking");

struct record_migrate {
	struct record r;
	u32 by;
	u16 to;
	u16 pad;
};
_Static_assert(sizeof(struct record_migrate) == 24, "struct record_migrate");

/* Who a task is: when it is made, starts a program, or takes another name. */
struct record_identity {
	struct record r;
	u32 tgid;
	u32 by; /* who made it; of RECORD_NUMBER: the same in all of a task, another in another's */
	u32 old;   /* its number before, which exec in a thread changes */
	u32 nr;	   /* its number in the tracer's PID namespace, 0: none; since version 2 */
	u64 start; /* ns of CLOCK_BOOTTIME; with the number, unique */
	u8 comm[16];
};
_Static_assert(sizeof(struct record_identity) == 56, "struct record_identity");

/* It begins to end, or is freed. */
struct record_end {
	struct record r;
	u64 start;
};
_Static_assert(sizeof(struct record_end) == 24, "struct record_end");

struct record_syscall {
	struct record r;
	s64 value; /* its number at entry, with X32_SYSCALL_BIT if it is of that ABI; its result at
		      exit */
};
_Static_assert(sizeof(struct record_syscall) == 24, "struct record_syscall");

/* The kernel's books on a task at its last switch, which the record before this one is. */
struct record_books {
	struct record r;
	u64 nvcsw;
	u64 nivcsw;
	u64 exec;      /* sum_exec_runtime, ns */
	u64 run_delay; /* ns */
};
_Static_assert(sizeof(struct record_books) == 48, "struct record_books");

/* A CPU goes offline, said by another one, or comes back. */
struct record_cpu {
	struct record r;
	u16 of;
	u16 pad[3];
};
_Static_assert(sizeof(struct record_cpu) == 24, "struct record_cpu");

/* What did not fit into this CPU's ring before this record. */
struct record_lost {
	struct record r;
	u64 first, last; /* ns of CLOCK_BOOTTIME */
	u64 count;
};
_Static_assert(sizeof(struct record_lost) == 40, "struct record_lost");

enum snapshot_flag {
	SNAPSHOT_ON_CPU = 1 << 0,
	SNAPSHOT_QUEUED = 1 << 1,
	SNAPSHOT_TRACED = 1 << 2,
	SNAPSHOT_KERNEL = 1 << 3,
	SNAPSHOT_TRACER = 1 << 4,
	SNAPSHOT_RUN_DELAY = 1 << 5, /* the kernel keeps it, and it is up to date */
	SNAPSHOT_EXITING = 1 << 6,   /* it will not run again, or not for long */
};

/* A task as the kernel's own books have it. */
struct record_snapshot {
	struct record r; /* kind 0; flags of enum snapshot_flag; the CPU it is or was on */
	u32 tgid;
	u32 parent; /* its parent process */
	u16 state;
	u8 prio;
	u8 pad;
	u32 nr; /* its number in the tracer's PID namespace; since version 2 */
	u64 start;
	u64 nvcsw;
	u64 nivcsw;
	u64 exec;      /* sum_exec_runtime, ns */
	u64 run_delay; /* ns */
	u8 comm[16];
};
_Static_assert(sizeof(struct record_snapshot) == 88, "struct record_snapshot");

/* What a walk of record depth is to do. */
enum record_mode {
	RECORD_WALK_SELF = 0,	  /* learn who walks */
	RECORD_WALK_FOLLOW = 1,	  /* trace a process and its descendants */
	RECORD_WALK_SNAPSHOT = 2, /* hand over every task */
};

/* One for each ring's CPU. */
struct ring {
	u64 count;	 /* events lost since the last that was not */
	u64 first, last; /* when */
	u64 pending;	 /* bytes since the reader was last woken */
	u64 events;	 /* all */
	u64 lost;	 /* all that were lost */
};
_Static_assert(sizeof(struct ring) == 48, "struct ring");

/* What the Go side sets while programs run, and answers. */
struct recording {
	u32 on;	   /* events are recorded */
	u32 found; /* answer: tasks the walk chose */
	u32 root;  /* answer: living tasks of the process to follow */
	u32 lost;  /* answer: tasks there was no memory to follow */
};
_Static_assert(sizeof(struct recording) == 16, "struct recording");

#endif
