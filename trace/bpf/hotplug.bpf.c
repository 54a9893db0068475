// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* When CPUs go offline and come back, in count depth. */
#include "stranded.h"

SEC("tp_btf/cpuhp_exit")
int cpu_hotplug(u64 *ctx)
{
	struct offline *o = offline_of(ctx[0]);
	u64 now;

	if (!o)
		return 0;
	now = clock();
	switch (hotplug_step(ctx, o)) {
	case HOTPLUG_OFF:
		o->since = now;
		break;
	case HOTPLUG_ON:
		offline_window(o, ctl.epoch);
		if (o->times < OFFLINE_SPANS) {
			o->spans[o->times].from = o->since;
			o->spans[o->times].to = now;
		}
		o->times++;
		o->until = now;
		o->since = 0;
		break;
	case HOTPLUG_OTHER:
		break;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
