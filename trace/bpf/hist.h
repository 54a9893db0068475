/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef SWITCHYARD_HIST_H
#define SWITCHYARD_HIST_H

#include "count.h"
#include "helpers.h"

/*
 * Halves v until it is less than 2 << HIST_SUB_LOG2, and adds up the buckets that are skipped so:
 * all of one power of two each time. BPF has no instruction for a logarithm before v4. The compiler
 * is kept from making every step two.
 */
#define HIST_HALVE(v, i, times)                                                                    \
	if ((v) >> (HIST_SUB_LOG2 + (times))) {                                                    \
		(v) >>= (times);                                                                   \
		(i) += (times) << HIST_SUB_LOG2;                                                   \
		asm volatile("" : "+r"(v), "+r"(i));                                               \
	}

static __always_inline u32 hist_bucket(u64 v)
{
	/* Bucket 1 begins at 1 << HIST_MIN_LOG2. */
	u64 i = 1 - ((HIST_MIN_LOG2 - HIST_SUB_LOG2 + 1) << HIST_SUB_LOG2);

	if (v < 1ULL << HIST_MIN_LOG2)
		return 0;
	if (v >> HIST_MAX_LOG2)
		return HIST_BUCKETS - 1;
	HIST_HALVE(v, i, 16)
	HIST_HALVE(v, i, 8)
	HIST_HALVE(v, i, 4)
	HIST_HALVE(v, i, 2)
	HIST_HALVE(v, i, 1)
	return i + v;
}
_Static_assert(HIST_MAX_LOG2 - 1 - HIST_SUB_LOG2 < 32, "five steps");

/* Called with interrupts off, so that each CPU's histograms have one writer; and a task's has its
 * CPU. */
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
