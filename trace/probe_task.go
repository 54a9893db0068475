package trace

import (
	"github.com/cilium/ebpf"

	"switchyard/internal/bpf"
	"switchyard/trace/event"
)

//go:generate go run switchyard/tools/bpf task bpf/task.bpf.c
//go:generate go run switchyard/tools/bpf taskPlain bpf/task.bpf.c -- -DPLAIN

func init() {
	register(probe{
		Probe: Probe{
			Name:  "task",
			Doc:   "new processes and threads, which are then traced too, programs started, and tasks that are freed",
			Depth: CountDepth,
			Hooks: []string{"task_newtask", "sched_process_exec", "sched_process_free"},
			Columns: []event.Column{{Name: "forks", Unit: "processes"},
				{Name: "threads", Unit: "threads"}, {Name: "execs", Unit: "programs"}},
			Required: true,
		},
		spec: func(can bpf.Abilities) (*ebpf.CollectionSpec, error) {
			if can.Atomics {
				return loadTask()
			}
			return loadTaskPlain()
		},
	})
}
