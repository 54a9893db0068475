// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* CPUs that go offline and come back, as a record each. */
#include "hotplug.h"
#include "ring.h"

static __always_inline int hotplug(u32 cpu, u8 kind)
{
	struct record_cpu *c;

	if (!rec.on)
		return 0;
	c = ring_reserve(struct record_cpu, record_clock());
	if (!c)
		return 0;
	record_head(&c->r, record_clock(), kind, 0, bpf_get_current_pid_tgid());
	c->of = cpu;
	__builtin_memset(c->pad, 0, sizeof(c->pad));
	ring_submit(c, sizeof(*c));
	return 0;
}

SEC("tp_btf/cpuhp_exit")
int rec_hotplug(u64 *ctx)
{
	u32 cpu = ctx[0];
	struct offline *o = offline_of(cpu);

	if (!o)
		return 0;
	switch (hotplug_step(ctx, o)) {
	case HOTPLUG_OFF:
		o->since = record_clock();
		return hotplug(cpu, RECORD_OFFLINE);
	case HOTPLUG_ON:
		o->since = 0;
		return hotplug(cpu, RECORD_ONLINE);
	case HOTPLUG_OTHER:
		break;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
