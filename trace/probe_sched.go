package trace

import (
	"github.com/cilium/ebpf"

	"switchyard/internal/bpf"
	"switchyard/trace/event"
)

//go:generate go run switchyard/tools/bpf -output-stem sched -type count -type state -type task -type hist_shape -type hist -type hist_id -type window -type cpu -type row -type latency -type walk_mode -type walk -type control -type offline_shape -type span -type offline bpf bpf/sched.bpf.c
//go:generate go run switchyard/tools/bpf schedPlain bpf/sched.bpf.c -- -DPLAIN

func init() {
	register(probe{
		Probe: Probe{
			Name:  "sched",
			Doc:   "switches, wake-ups, migrations, and the time between them",
			Depth: CountDepth,
			Hooks: []string{"sched_switch", "sched_waking", "sched_wakeup_new",
				"sched_migrate_task"},
			Columns: []event.Column{{Name: "switches", Unit: "switches"},
				{Name: "wakeups", Unit: "wake-ups"}, {Name: "migrations", Unit: "migrations"},
				{Name: "times", Unit: "ns"}, {Name: "histograms", Unit: "ns"},
				{Name: "exits", Unit: "tasks"}},
			Required: true,
		},
		base: true,
		spec: func(can bpf.Abilities) (*ebpf.CollectionSpec, error) {
			if can.Atomics {
				return loadBpf()
			}
			return loadSchedPlain()
		},
	})
}
