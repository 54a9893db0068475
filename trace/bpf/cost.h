/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a switch costs: the kinds, the parts, and what a CPU keeps of them. */
#ifndef SWITCHYARD_COST_H
#define SWITCHYARD_COST_H

#include "types.h"

/* Every switch is of one kind: of the last in this list that fits. */
enum cost_kind {
	COST_THREAD = 0,		 /* the same mm on both sides */
	COST_ADDRESS_SPACE = 1,		 /* another page table; nothing told of the TLB */
	COST_ADDRESS_SPACE_FLUSH = 2,	 /* another page table, and the TLB was flushed */
	COST_ADDRESS_SPACE_NO_FLUSH = 3, /* another page table, its TLB entries still good */
	COST_KEPT = 4,			 /* from a kernel thread that had left next's in place */
	COST_LAZY = 5,			 /* to a kernel thread: the page table stays */
	COST_LAZY_IDLE = 6,		 /* to the idle task, likewise */
	COST_IDLE = 7,			 /* from the idle task: the page table stays */
	COST_IDLE_ADDRESS_SPACE = 8,	 /* from the idle task: another page table */
	COST_KINDS = 9,
};

enum cost_part {
	COST_CHOOSING = 0,  /* sched_entry_tp to sched_switch */
	COST_SWITCHING = 1, /* sched_switch to sched_exit_tp */
	COST_TOTAL = 2,	    /* their sum */
	COST_PARTS = 3,
};

/* Numbers of the histograms: kind * COST_PARTS + part, and after them */
enum cost_hist {
	COST_PREEMPTION = 27, /* the request to give up the CPU, to sched_switch */
	COST_HISTS = 28,
};
_Static_assert(COST_PREEMPTION == COST_KINDS * COST_PARTS, "histograms");

enum cost_tlb {
	COST_TLB_UNKNOWN = 0,
	COST_TLB_FLUSHED = 1,
	COST_TLB_KEPT = 2,
};

/* The switch a CPU is in, and what it has counted. Written with preemption off, by that CPU. */
struct cost_cpu {
	u64 entered;  /* when the scheduler was; 0: not seen */
	u64 chosen;   /* when sched_switch began */
	u64 switched; /* when it ended; 0: not yet */
	u64 flushing; /* when tlb_flush began; 0: not seen */
	u64 aside;    /* ns in tlb_flush's probes, first to last */
	u64 next;     /* the task that is switched to */
	u64 null;     /* when the first of the two calibration programs ended */
	u32 open;     /* the number of the window the switch is in; 0: in no switch */
	u32 kind;
	u32 tlb;
	u32 nulls;		 /* samples of a calibration */
	u64 switches;		 /* seen to begin */
	u64 unended;		 /* not seen to end */
	u64 unentered;		 /* whose entry was not seen */
	u64 unseen;		 /* seen only to end */
	u64 clamped[COST_PARTS]; /* shorter than the probe: taken as 0 */
	u64 negative;		 /* preemption latencies two CPUs' clocks made negative: left out */
};
_Static_assert(sizeof(struct cost_cpu) == 72 + 32 + 8 * COST_PARTS + 8, "struct cost_cpu");

/* The first request for a CPU's scheduler since it ran last. Any CPU may write it. */
struct cost_request {
	u64 when;     /* 0: none */
	u64 task;     /* that is to give up the CPU */
	u64 flags;    /* the bits of thread_info.flags of which one says so */
	u32 entered;  /* the scheduler was, since */
	u32 late;     /* it was made at some time before */
	u64 unserved; /* requests after which the same task ran on */
	u64 older;    /* requests that were not seen to be made */
};
_Static_assert(sizeof(struct cost_request) == 48, "struct cost_request");

struct cost_control {
	u32 window; /* its number, 0: none is open */
	u32 last;   /* the number of the last one */
	u32 probe;  /* ns the probe adds between two stamps */
	u32 pad;
	u64 flags; /* of thread_info, by which a waking tells a task to go */
};
_Static_assert(sizeof(struct cost_control) == 24, "struct cost_control");

/* The samples of a calibration, in a ring. */
enum cost_ring {
	COST_NULLS = 1024,
};

#endif
