// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What loading a traced task's page table at a switch did to the TLB (x86). It follows sched_switch
 * on the same CPU, before the stacks are changed: current is still the task that leaves. An exec
 * loads a page table for the same reason, but as the task itself.
 */
#include "state.h"

#define ON_TASK_SWITCH 0      /* enum tlb_flush_reason */
#define ALL	       (~0UL) /* TLB_FLUSH_ALL; 0 pages: its entries were still good */

SEC("tp_btf/tlb_flush")
int tlb_flush(u64 *ctx)
{
	int reason = ctx[0];
	u64 pages = ctx[1];
	struct cpu *c;

	if (reason != ON_TASK_SWITCH)
		return 0;
	c = this_cpu();
	if (!c || !c->expect)
		return 0;
	if (c->expect == (u32)bpf_get_current_pid_tgid())
		return 0;
	c->expect = 0;
	if (pages == ALL)
		c->tlb_flushes++;
	else if (!pages)
		c->tlb_kept++;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
