package trace

import (
	"github.com/cilium/ebpf"

	"switchyard/internal/bpf"
	"switchyard/trace/event"
)

//go:generate go run switchyard/tools/bpf walk bpf/walk.bpf.c
//go:generate go run switchyard/tools/bpf walkBounded bpf/walk.bpf.c -- -DBOUNDED
//go:generate go run switchyard/tools/bpf walkPlain bpf/walk.bpf.c -- -DPLAIN -DBOUNDED

func init() {
	register(probe{
		Probe: Probe{
			Name:  "walk",
			Doc:   "the walk over all tasks at both ends of the window: initial states, the kernel's own books",
			Depth: CountDepth,
			Hooks: []string{"iter/task"},
			Columns: []event.Column{{Name: "cpu", Unit: "ns"},
				{Name: "page_faults", Unit: "faults"}, {Name: "checks", Unit: "checks"}},
			Required: true,
		},
		walk: "walk_tasks",
		spec: func(can bpf.Abilities) (*ebpf.CollectionSpec, error) {
			switch {
			case can.Atomics && can.Loop:
				return loadWalk()
			case can.Atomics:
				return loadWalkBounded()
			}
			return loadWalkPlain()
		},
	})
}
