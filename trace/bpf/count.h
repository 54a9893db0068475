/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the kernel side and the Go side share, in count depth: defined here once, generated into Go,
 * sizes asserted in both. Nothing of it is on disk.
 */
#ifndef SWITCHYARD_COUNT_H
#define SWITCHYARD_COUNT_H

#include "types.h"

/*
 * The counts kept for each task. All of them only grow; a window is the difference of two readings.
 * Each has one writer at a time: the CPU the task is on (S, sched_switch under the run queue's
 * lock), whoever wakes or moves it (W, under its pi_lock), or the task itself (T). The order is
 * that of use, so that a switch touches two cache lines.
 */
enum count {
	COUNT_VOLUNTARY = 0,	 /* S: !preempt && prev_state, what the kernel counts in nvcsw */
	COUNT_INVOLUNTARY = 1,	 /* S: every other switch away, nivcsw */
	COUNT_ON_CPU = 2,	 /* S: ns, switch-in to switch-out */
	COUNT_RUN_QUEUE = 3,	 /* S: ns, runnable to switch-in */
	COUNT_BLOCKED = 4,	 /* W: ns, voluntary switch-out to the first waking after it */
	COUNT_WAKEUPS = 5,	 /* W: first waking of an off-CPU period */
	COUNT_WAKEUPS_IRQ = 6,	 /* W, S: those whose waker was an interrupt */
	COUNT_ADDRESS_SPACE = 7, /* S: switches into it that loaded another page table */
	COUNT_THREAD = 8,	 /* S: switches into it from a task with the same mm */
	COUNT_KEPT = 9,	 /* S: switches into it whose page table a task without an mm had kept */
	COUNT_LAZY = 10, /* S: switches away from it to a task without an mm */
	COUNT_MIGRATIONS = 11, /* W */
	COUNT_YIELDS = 12,     /* S: involuntary switches out of sched_yield */
	COUNT_SIGNALLED = 13,  /* S: voluntary switches cut short by a signal: prev_state was 0 */
	COUNT_SPURIOUS = 14,   /* W: wakings of a task not off the CPU, COUNT_EARLY's included */
	COUNT_EARLY = 15,      /* S: wake-ups seen before the switch-out they belong to */
	COUNT_UNWOKEN = 16,    /* S: blocked tasks that came back without a waking */
	COUNT_FORKS = 17,      /* T: processes made */
	COUNT_THREADS = 18,    /* T: threads made, io_uring's workers too */
	COUNT_EXECS = 19,      /* T */
	COUNT_COLUMNS = 20,    /* T: what probes that are asked for count: count_current() */
	COUNT_CENSORED = 26,   /* S: intervals that began before the window: in no histogram */
	COUNT_NEGATIVE = 27,   /* S, W: intervals two CPUs' clocks made negative; taken as 0 */
	COUNT_UNSEEN = 28,     /* S: switches into it that were not shown */
	COUNT_UNKNOWN = 29,    /* S: ns whose state was not known */
	COUNT_KEPT_BY_PROBES = 30,

	/* Filled in when a task is read. The kernel's own books: */
	COUNT_BOOKS = 30,
	COUNT_NVCSW = 30,
	COUNT_NIVCSW = 31,
	COUNT_SUM_EXEC = 32, /* ns */
	COUNT_UTIME = 33,    /* ns, sampled by the tick */
	COUNT_STIME = 34,    /* ns, sampled by the tick */
	COUNT_MIN_FLT = 35,
	COUNT_MAJ_FLT = 36,
	/* and ours: */
	COUNT_LIFE = 37,  /* ns since the task was first seen */
	COUNT_EXITS = 38, /* 1 when it is gone */
	COUNTS = 39,
};

/* How many columns there are for probes that are asked for, all of them together. */
#define COLUMNS (COUNT_CENSORED - COUNT_COLUMNS)

/* What a task is doing; the low bits of struct task's mark. */
enum state {
	STATE_ON = 0,	   /* on a CPU */
	STATE_BLOCKED = 1, /* off it, waiting for a waking */
	STATE_WOKEN = 2,   /* on a run queue, after a waking */
	STATE_READY = 3,   /* on a run queue, after an involuntary switch, or new */
};

/* What is kept of a traced task. */
struct task {
	u64 mark;   /* when the state began (ns) << 2 | enum state, never torn; 0: unknown */
	u32 epoch;  /* the window it is in, 0: none. Who sets it to 0 accounts for the task */
	u32 dead;   /* its last switch is over */
	u64 opened; /* when its part of the window began */
	u16 early;  /* a waking while it was on a CPU: 1, or 3 when by an interrupt */
	u16 synced; /* the offsets below are known: since its first switch under our eyes */
	u32 place;  /* which of the rows, and of the latencies, are its in the window, from 1; 0:
		       none */
	u64 exec;   /* sum_exec_runtime at its last switch away */
	u64 n[COUNT_KEPT_BY_PROBES];
	u64 life;	/* when it was first seen */
	u64 nvcsw_off;	/* nvcsw and nivcsw less our own counts, */
	u64 nivcsw_off; /* constant if we miss nothing; */
	u32 tid;	/* as the tracer's PID namespace numbers it */
	u32 tgid;
	u64 address;	  /* whose this is */
	u64 base[COUNTS]; /* the reading at the window's start */
	u64 id;		  /* no other has it, before or after, in any window */
};
_Static_assert(sizeof(struct task) == 88 + 8 * COUNT_KEPT_BY_PROBES + 8 * COUNTS, "struct task");
/* Whole cache lines, of which a switch touches the first two. */
_Static_assert(sizeof(struct task) % 64 == 0, "struct task");

/*
 * A histogram of ns, log-linear: bucket 0 for all below 64 ns, then 16 for each power of two up to
 * 2^36 ns (69 s), then one for all above. A bucket is at most 1/16 of its lower bound wide.
 */
enum hist_shape {
	HIST_MIN_LOG2 = 6,
	HIST_MAX_LOG2 = 36,
	HIST_SUB_LOG2 = 4,
	HIST_BUCKETS = 482, /* 1 + (36 - 6) * 16 + 1 */
};
_Static_assert(HIST_BUCKETS == 2 + ((HIST_MAX_LOG2 - HIST_MIN_LOG2) << HIST_SUB_LOG2), "buckets");

struct hist {
	u64 sum; /* ns */
	u64 max; /* ns, exact */
	u64 buckets[HIST_BUCKETS];
};
_Static_assert(sizeof(struct hist) == 16 + 8 * HIST_BUCKETS, "struct hist");

enum hist_id {
	HIST_READY = 0,		 /* involuntary switch-out, or new, to on-CPU */
	HIST_WAKEUP_LATENCY = 1, /* first waking to on-CPU; both together: run-queue latency */
	HIST_ON_CPU = 2,	 /* on-CPU spans */
	HIST_BLOCKED = 3,	 /* voluntary switch-out to first waking */
	HISTS = 4,
};

/* How long one task of the window waited: the first two histograms. */
struct latency {
	struct hist hist[HIST_WAKEUP_LATENCY + 1];
};
_Static_assert(sizeof(struct latency) == 2 * sizeof(struct hist), "struct latency");

/*
 * What one CPU adds up in one window. Two of them, used in turn. What is in the latencies of a task
 * is not in here.
 */
struct window {
	u64 born;	  /* tasks made by tasks in the window */
	u64 died;	  /* tasks in the window that ended */
	u64 lost_alloc;	  /* new tasks there was no memory to follow */
	u64 dead[COUNTS]; /* what those that ended had counted */
	struct hist hist[HISTS];
};
_Static_assert(sizeof(struct window) == 24 + 8 * COUNTS + HISTS * sizeof(struct hist),
	       "struct window");
_Static_assert(sizeof(struct window) <= 32768, "the kernel's limit for a per-CPU value");

/* What one CPU knows. The counts only grow. */
struct cpu {
	u32 expect; /* the traced thread a switch is now going to, until its page table is loaded */
	u32 ids;    /* how many tasks made on it got theirs, where nothing else is to count them */
	u64 tlb_flushes; /* switches to a traced task that flushed the whole TLB */
	u64 tlb_kept;	 /* switches to one whose entries were still good */
};
_Static_assert(sizeof(struct cpu) == 24, "struct cpu");

/* What is kept of one CPU's absences in one window. */
enum offline_shape {
	OFFLINE_SPANS = 8,
};

struct span {
	u64 from, to; /* ns of the clock */
};

/* A CPU that was offline. One writer at a time: CPUs go and come one after the other. */
struct offline {
	u64 since; /* it is, since then, ns of the clock; 1: since before the probes; 0: it is not
		    */
	u64 until; /* when it last came back */
	u32 epoch; /* the window that the rest is of */
	u32 times; /* how often it came back */
	struct span spans[OFFLINE_SPANS]; /* the first ones of these */
	/* Who was on it when it went, and what is not known of that task. */
	u32 tid;
	u32 tgid;
	u64 start;	 /* as in struct row */
	u64 voluntary;	 /* switches that the kernel counted and nobody could see, */
	u64 involuntary; /* in the window */
	u64 unknown;	 /* ns of its life in it */
	u8 comm[16];
};
_Static_assert(sizeof(struct offline) == 80 + 16 * OFFLINE_SPANS, "struct offline");

/* A task as it is handed over: at its end, the window's, or when it is read. */
struct row {
	u64 id; /* as in struct task */
	u32 tid;
	u32 tgid;
	u64 start; /* ns of CLOCK_BOOTTIME */
	u8 comm[16];
	u64 n[COUNTS]; /* of this window */
	u32 place;     /* as in struct task */
	u32 pad;
};
_Static_assert(sizeof(struct row) == 48 + 8 * COUNTS, "struct row");

/* What a walk over all tasks is to do, and what it did. */
enum walk_mode {
	WALK_SELF = 0,	 /* learn who walks */
	WALK_ADOPT = 1,	 /* follow a process and its descendants */
	WALK_OPEN = 2,	 /* open the window for each traced task */
	WALK_CLOSE = 3,	 /* close it, and hand over the rows */
	WALK_FORGET = 4, /* stop following */
	WALK_READ = 5,	 /* hand the rows to whoever reads the walk, and leave it open */
};

struct walk {
	u64 found;		 /* tasks adopted, opened, closed or forgotten */
	u64 unsteady;		 /* tasks left to a further walk because they never stood still */
	u64 lost_alloc;		 /* tasks there was no memory to follow */
	u64 first, last;	 /* when tasks were opened or closed, ns of the clock */
	u64 root;		 /* living tasks of the process to follow */
	u64 sum[COUNTS];	 /* of the tasks closed */
	u64 mark, still, steady; /* of the task being read */
	struct row scratch;
};
_Static_assert(sizeof(struct walk) == 72 + 8 * COUNTS + sizeof(struct row), "struct walk");

#define ROOT_ALL (~0U) /* every process but the tracer */

/* What the Go side sets while programs run, and some answers. */
struct control {
	u32 epoch;	   /* the open window's number, 0: none */
	u32 closing;	   /* it is being closed: what is born now is not in it */
	u32 adopting;	   /* children of traced tasks are traced */
	u32 mode;	   /* enum walk_mode */
	u32 root;	   /* the process to follow, in the tracer's PID namespace, or ROOT_ALL */
	u32 force;	   /* take a task as it is, however unsteady */
	u32 self;	   /* answer: the tracer itself, in the first PID namespace */
	u32 level;	   /* answer: depth of the tracer's PID namespace */
	u32 rows;	   /* answer: rows handed over, or for which there was no room */
	u32 places;	   /* answer: places given to tasks, a few more than there are maybe */
	u64 ids;	   /* given to tasks, but for those that cpu.ids counts */
	u64 ns;		   /* answer: the tracer's PID namespace, its address */
	u64 preempt_count; /* answer: how far it is from a value of a per-CPU map, 0: not known */
	u64 regs; /* answer: how far what it entered the kernel with is from a task's stack,
		     likewise */
};
_Static_assert(sizeof(struct control) == 72, "struct control");

#endif
