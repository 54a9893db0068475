/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef SWITCHYARD_HIST_H
#define SWITCHYARD_HIST_H

#include "count.h"
#include "helpers.h"

/* floor(log2(v)) of a v that is not 0; BPF has no instruction for it before v4. */
static __always_inline u32 log2_u64(u64 v)
{
	u32 r = 0;

	if (v >> 32) {
		v >>= 32;
		r += 32;
	}
	if (v >> 16) {
		v >>= 16;
		r += 16;
	}
	if (v >> 8) {
		v >>= 8;
		r += 8;
	}
	if (v >> 4) {
		v >>= 4;
		r += 4;
	}
	if (v >> 2) {
		v >>= 2;
		r += 2;
	}
	return r + (v >> 1);
}

static __always_inline u32 hist_bucket(u64 v)
{
	u32 log;

	if (v < 1ULL << HIST_MIN_LOG2)
		return 0;
	log = log2_u64(v);
	if (log >= HIST_MAX_LOG2)
		return HIST_BUCKETS - 1;
	return 1 + ((log - HIST_MIN_LOG2) << HIST_SUB_LOG2) +
	       ((v >> (log - HIST_SUB_LOG2)) & ((1 << HIST_SUB_LOG2) - 1));
}

/* Called with interrupts off, so that each CPU's histograms have one writer; and a task's has its CPU. */
static __always_inline void hist_add(struct hist *h, u32 i, u64 v)
{
	/* The verifier must see that what is compared is what is used; on 6.1 it needs help. */
	asm volatile("" : "+r"(i));
	if (i >= HIST_BUCKETS)
		return;
	h->buckets[i]++;
	h->sum += v;
	if (v > h->max)
		h->max = v;
}

#endif
