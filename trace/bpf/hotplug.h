/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * CPUs that go offline and come back. On a CPU that is not online the kernel calls no probe
 * (cpu_online in include/linux/tracepoint.h), and one runs on for a while when it is not any more:
 * its stopper, which has taken it down, still goes to sleep, and that switch is not shown.
 */
#ifndef SWITCHYARD_HOTPLUG_H
#define SWITCHYARD_HOTPLUG_H

#include "state.h"

/* By CPU; the loader says how many there can be, and which are offline when it begins. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct offline);
} offline_cpus SEC(".maps");

static __always_inline struct offline *offline_of(u32 cpu)
{
	return bpf_map_lookup_elem(&offline_cpus, &cpu);
}

enum hotplug {
	HOTPLUG_OTHER = 0,
	HOTPLUG_OFF = 1, /* it is offline, since shortly before */
	HOTPLUG_ON = 2,	 /* it is back: this is among the first that it does */
};

/*
 * What a step of cpuhp_exit makes of a CPU. The one that takes it down is called on another, and is
 * over when the CPU has said goodbye. The steps of one that comes up are called on itself, as soon
 * as it runs tasks. One CPU at a time goes or comes.
 */
static __always_inline enum hotplug hotplug_step(u64 *ctx, struct offline *o)
{
	u32 cpu = ctx[0], step = ctx[2];
	int failed = ctx[3];

	if (!o->since)
		return step == kernel_enum_value(enum cpuhp_state, CPUHP_TEARDOWN_CPU) && !failed ?
			       HOTPLUG_OFF :
			       HOTPLUG_OTHER;
	return cpu == bpf_get_smp_processor_id() ? HOTPLUG_ON : HOTPLUG_OTHER;
}

#endif
