package trace

import (
	"maps"

	"github.com/cilium/ebpf"

	"switchyard/internal/bpf"
	"switchyard/trace/event"
)

//go:generate go run switchyard/tools/bpf -output-stem record -type record_kind -type record_flag -type record_page_table -type record_mode -type snapshot_flag -type record_switch -type record_waking -type record_migrate -type record_identity -type record_end -type record_syscall -type record_books -type record_cpu -type record_lost -type record_snapshot -type ring -type recording record bpf/record.bpf.c

func init() {
	register(probe{
		Probe: Probe{
			Name:  "record",
			Doc:   "every switch, waking and migration",
			Depth: RecordDepth,
			Hooks: []string{"sched_switch", "sched_waking", "sched_wakeup_new",
				"sched_migrate_task"},
			Columns: []event.Column{{Name: "switch", Unit: "events"},
				{Name: "waking", Unit: "events"}, {Name: "wake_new", Unit: "events"},
				{Name: "migrate", Unit: "events"}},
			Required: true,
		},
		base: true,
		spec: recording(loadRecord),
	})
}

// recording is the object of a probe that records.
func recording(load func() (*ebpf.CollectionSpec, error)) func(bpf.Abilities) (
	*ebpf.CollectionSpec, error) {
	return func(bpf.Abilities) (*ebpf.CollectionSpec, error) {
		spec, err := load()
		if err != nil {
			return nil, err
		}
		maps.DeleteFunc(spec.Maps, func(name string, _ *ebpf.MapSpec) bool {
			return countOnly[name]
		})
		return spec, nil
	}
}

// countOnly are the maps of count depth that come with the header both share.
var countOnly = map[string]bool{"windows": true, "cpus": true, "rows": true, "walks": true,
	"tasks": true, "free_slots": true}
