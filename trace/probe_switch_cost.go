package trace

import (
	"switchyard/trace/event"
	"switchyard/trace/switchcost"
)

func init() {
	p := probe{
		Probe: Probe{
			Name:   "switch_cost",
			Doc:    "how long the kernel takes to switch, by kind, of all tasks",
			Depth:  SwitchCostDepth,
			Option: "switch-cost",
			Help:   "what switches cost, of all tasks, from the scheduler's entry to its end",
			Hooks:  switchcost.Hooks(),
		},
		check: switchcost.Available,
	}
	for _, kind := range []string{"thread", "address_space", "address_space_flush",
		"address_space_no_flush", "kept", "lazy", "idle", "preemption"} {
		p.Columns = append(p.Columns, event.Column{Name: kind, Unit: "ns"})
	}
	register(p)
}
