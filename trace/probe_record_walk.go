package trace

import "switchyard/trace/event"

//go:generate go run switchyard/tools/bpf recordWalk bpf/record_walk.bpf.c

func init() {
	register(probe{
		Probe: Probe{
			Name:     "record_walk",
			Doc:      "the walk over all tasks at both ends of the window: states, names, the kernel's own books",
			Depth:    RecordDepth,
			Hooks:    []string{"iter/task"},
			Columns:  []event.Column{{Name: "snapshot", Unit: "tasks"}},
			Required: true,
		},
		walk: "rec_tasks",
		spec: recording(loadRecordWalk),
	})
}
