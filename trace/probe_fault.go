package trace

import "switchyard/trace/event"

//go:generate go run switchyard/tools/bpf fault bpf/fault.bpf.c

func init() {
	register(probe{
		Probe: Probe{
			Name:    "fault",
			Doc:     "page fault exceptions, by the mode they were taken in",
			Depth:   CountDepth,
			Hooks:   []string{"page_fault_user", "page_fault_kernel"},
			Columns: []event.Column{{Name: "fault_exceptions", Unit: "exceptions"}},
		},
		spec: always(loadFault),
	})
}
