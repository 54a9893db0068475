package trace

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

	"switchyard/internal/bpf"
)

// Probe is a part of a session that can be asked for, or be missing, on its own.
type Probe struct {
	Name     string   // as in Options
	Doc      string   // one line
	Hooks    []string // the tracepoints it uses
	Columns  []string // the results it fills, as named in Counts.Missing
	Required bool     // nothing works without it

	// Err is nil when this kernel and this process can use the probe. Otherwise it says why not and
	// what would help, and wraps errors.ErrUnsupported or os.ErrPermission.
	Err error
}

// probe is a Probe and how to load it.
type probe struct {
	Probe
	spec func(bpf.Abilities) (*ebpf.CollectionSpec, error)
}

// always is the object of a probe that any kernel can load.
func always(load func() (*ebpf.CollectionSpec, error)) func(bpf.Abilities) (*ebpf.CollectionSpec,
	error) {
	return func(bpf.Abilities) (*ebpf.CollectionSpec, error) { return load() }
}

// The order is that of loading: the first brings the maps, and the walk comes when all is attached.
var probes = []probe{
	{Probe{
		Name: "sched",
		Doc:  "switches, wake-ups, migrations, and the time between them",
		Hooks: []string{"sched_switch", "sched_waking", "sched_wakeup_new",
			"sched_migrate_task"},
		Columns:  []string{"switches", "wakeups", "migrations", "times", "histograms", "exits"},
		Required: true,
	}, func(can bpf.Abilities) (*ebpf.CollectionSpec, error) {
		if can.Atomics {
			return loadBpf()
		}
		return loadSchedPlain()
	}},
	{Probe{
		Name:     "task",
		Doc:      "new processes and threads, which are then traced too, programs started, and tasks that are freed",
		Hooks:    []string{"task_newtask", "sched_process_exec", "sched_process_free"},
		Columns:  []string{"forks", "threads", "execs"},
		Required: true,
	}, func(can bpf.Abilities) (*ebpf.CollectionSpec, error) {
		if can.Atomics {
			return loadTask()
		}
		return loadTaskPlain()
	}},
	{Probe{
		Name:    "syscall",
		Doc:     "system calls by name",
		Hooks:   []string{"sys_enter"},
		Columns: []string{"syscalls"},
	}, always(loadSyscall)},
	{Probe{
		Name:    "fault",
		Doc:     "page fault exceptions, by the mode they were taken in",
		Hooks:   []string{"page_fault_user", "page_fault_kernel"},
		Columns: []string{"fault_exceptions"},
	}, always(loadFault)},
	{Probe{
		Name:    "tlb",
		Doc:     "what loading another page table at a switch did to the TLB",
		Hooks:   []string{"tlb_flush"},
		Columns: []string{"tlb_flushes"},
	}, always(loadTlb)},
	{Probe{
		Name:     "walk",
		Doc:      "the walk over all tasks at both ends of the window: initial states, the kernel's own books",
		Hooks:    []string{"iter/task"},
		Columns:  []string{"cpu", "page_faults", "checks"},
		Required: true,
	}, func(can bpf.Abilities) (*ebpf.CollectionSpec, error) {
		switch {
		case can.Atomics && can.Loop:
			return loadWalk()
		case can.Atomics:
			return loadWalkBounded()
		}
		return loadWalkPlain()
	}},
}

// Probes returns what a session is made of, and for each part whether it can be used here: it is
// loaded, not attached, and closed again. It needs the same privileges as Open to say yes.
func Probes() []Probe {
	o, err := newObjects(1, bpf.Abilities{})
	defer o.close()
	out := make([]Probe, len(probes))
	for i, p := range probes {
		out[i] = p.Probe
		if out[i].Err = err; err == nil {
			_, out[i].Err = o.loadProbe(p)
		}
	}
	return out
}

// loadProbe loads one probe's object, or says why that cannot be.
func (o *objects) loadProbe(p probe) (*ebpf.Collection, error) {
	for _, name := range p.Hooks {
		if !strings.Contains(name, "/") {
			if _, err := bpf.Hook(name); err != nil {
				return nil, fmt.Errorf("trace: probe %s: %w", p.Name, err)
			}
		}
	}
	if o.base == nil && p.Name != probes[0].Name {
		return nil, fmt.Errorf("trace: probe %s: %w without probe %s", p.Name,
			errors.ErrUnsupported, probes[0].Name)
	}
	spec, err := p.spec(o.can)
	if err != nil {
		return nil, fmt.Errorf("trace: probe %s: %w", p.Name, err)
	}
	coll, err := o.load(spec)
	return coll, bpf.Explain("probe "+p.Name, err)
}
