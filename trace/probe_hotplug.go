package trace

import "switchyard/trace/event"

//go:generate go run switchyard/tools/bpf hotplug bpf/hotplug.bpf.c

func init() {
	register(probe{
		Probe: Probe{
			Name:    "hotplug",
			Doc:     "CPUs that go offline and come back",
			Depth:   CountDepth,
			Hooks:   []string{"cpuhp_exit"},
			Columns: []event.Column{{Name: "offline", Unit: "ns"}},
		},
		always: true,
		spec:   always(loadHotplug),
	})
}
