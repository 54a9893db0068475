package trace

import "switchyard/trace/event"

//go:generate go run switchyard/tools/bpf recordLife bpf/record_life.bpf.c

func init() {
	register(probe{
		Probe: Probe{
			Name:  "record_life",
			Doc:   "tasks that are made, start programs, change their names and end",
			Depth: RecordDepth,
			Hooks: []string{"task_newtask", "sched_process_exec", "task_rename",
				"sched_process_exit", "sched_process_free"},
			Columns: []event.Column{{Name: "new", Unit: "events"}, {Name: "exec", Unit: "events"},
				{Name: "rename", Unit: "events"}, {Name: "exit", Unit: "events"},
				{Name: "free", Unit: "events"}},
			Required: true,
		},
		spec: recording(loadRecordLife),
	})
}
