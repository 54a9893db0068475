package trace

import "switchyard/trace/event"

//go:generate go run switchyard/tools/bpf fault bpf/fault.bpf.c

func init() {
	register(probe{
		Probe: Probe{
			Name:   "fault",
			Doc:    "page fault exceptions on user addresses, by the mode they were taken in",
			Depth:  CountDepth,
			Option: "faults",
			Help:   "page fault exceptions too, in --count",
			Hooks:  []string{"page_fault_user", "page_fault_kernel"},
			// They include faults that are not resolved and those that are tried again, which
			// page_faults does not; and that includes pages that the kernel fetched without an
			// exception (MAP_POPULATE).
			Columns: []event.Column{
				{Name: "fault_exceptions_user", Unit: "exceptions",
					Title: "page fault exceptions in user mode"},
				{Name: "fault_exceptions_kernel", Unit: "exceptions",
					Title: "page fault exceptions in the kernel"},
			},
		},
		spec: always(loadFault),
	})
}
