package trace

import "switchyard/trace/event"

//go:generate go run switchyard/tools/bpf recordHotplug bpf/record_hotplug.bpf.c

func init() {
	register(probe{
		Probe: Probe{
			Name:  "record_hotplug",
			Doc:   "CPUs that go offline and come back",
			Depth: RecordDepth,
			Hooks: []string{"cpuhp_exit"},
			Columns: []event.Column{{Name: "offline", Unit: "events"},
				{Name: "online", Unit: "events"}},
		},
		always: true,
		spec:   recording(loadRecordHotplug),
	})
}
