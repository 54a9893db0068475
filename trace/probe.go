package trace

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"switchyard/internal/bpf"
	"switchyard/trace/event"
)

// Depth is what a Probe is a part of.
type Depth string

const (
	CountDepth  Depth = "count"  // a Session
	RecordDepth Depth = "record" // a Recorder
	// SwitchCostDepth is a switchcost.Meter, which can run beside either.
	SwitchCostDepth Depth = "switch cost"
)

// depths are in the order of the table.
var depths = []Depth{CountDepth, RecordDepth, SwitchCostDepth}

// Probe is a part of what watches the kernel that can be asked for, or be missing, on its own.
type Probe struct {
	Name  string // that Options.Probes and RecordOptions.Probes ask for it by
	Doc   string // one line
	Depth Depth
	// Option is the flag by which switchyard trace asks for it, without its dashes, and Help what
	// is said of that; "" of a probe that is always there.
	Option, Help string
	Hooks        []string       // the tracepoints it uses
	Columns      []event.Column // the results it fills, as named in Counts.Missing
	Required     bool           // nothing works without it

	// Err is nil when this kernel and this process can use the probe. Otherwise it says why not and
	// what would help, and wraps errors.ErrUnsupported or os.ErrPermission.
	Err error
}

// probe is a Probe and how to load it. Each is declared in a file of its own, probe_NAME.go, which
// registers it.
type probe struct {
	Probe
	// spec is its object, as this kernel can load it.
	spec func(bpf.Abilities) (*ebpf.CollectionSpec, error)
	// base: it brings the maps that the others of its depth share, and so is loaded first.
	base bool
	// walk is the program in it that visits all tasks, "" if there is none. It comes last, when
	// there is something to visit them for.
	walk string
	// knob is a constant of other programs that says whether this probe is asked for, "" if they
	// need not know.
	knob string
	// read returns what the programs have counted so far, in the order of Columns. nil: they count
	// in the columns of tasks (count_current of trace/bpf/state.h), which the walk reads.
	read func(*ebpf.Collection) (event.Values, error)
	// spare is a program in it that loses nothing when it is skipped, "" if there is none.
	spare string
	// always: it is loaded without being asked for, wherever it can be.
	always bool
	// check finds out whether it can be used, of a probe that is loaded by another package.
	check func() error
}

// probes is filled by the init functions of the files probe_*.go, and only read afterwards.
var probes []probe

// register adds a probe to the table, whose order is that of loading: in each depth the one that
// brings the maps, those that are required, those that are asked for, and the walk.
func register(p probe) {
	probes = append(probes, p)
	slices.SortStableFunc(probes, func(a, b probe) int {
		return cmp.Or(
			cmp.Compare(slices.Index(depths, a.Depth), slices.Index(depths, b.Depth)),
			before(b.base, a.base), before(a.walk != "", b.walk != ""),
			before(b.Required, a.Required), cmp.Compare(a.Name, b.Name))
	})
}

// before puts those for which something is not so before those for which it is.
func before(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// always is the object of a probe that any kernel can load.
func always(load func() (*ebpf.CollectionSpec, error)) func(bpf.Abilities) (*ebpf.CollectionSpec,
	error) {
	return func(bpf.Abilities) (*ebpf.CollectionSpec, error) { return load() }
}

// Probes returns what there is to watch the kernel with, and of each part whether it can be used
// here: it is loaded, not attached, and closed again. It needs the same privileges as Open to say
// yes.
func Probes() []Probe {
	out := make([]Probe, len(probes))
	loaded := make(map[Depth]*objects)
	failed := make(map[Depth]error)
	for i, p := range probes {
		out[i] = p.Probe
		if p.check != nil {
			out[i].Err = p.check()
			continue
		}
		if loaded[p.Depth] == nil && failed[p.Depth] == nil {
			o, err := newObjects(1, bpf.Abilities{})
			loaded[p.Depth], failed[p.Depth] = &o, err
			defer o.close()
		}
		if out[i].Err = failed[p.Depth]; out[i].Err == nil {
			_, out[i].Err = loaded[p.Depth].loadProbe(p)
		}
	}
	return out
}

// Optional returns the probes of a depth that can be asked for. It does not find out whether they
// can be used here.
func Optional(depth Depth) []Probe {
	var list []Probe
	for _, p := range probes {
		if p.Depth == depth && p.Option != "" {
			list = append(list, p.Probe)
		}
	}
	return list
}

// A part is a probe that is loaded.
type part struct {
	probe
	coll  *ebpf.Collection
	first int // of a task's columns, that is its own
}

// byTask reports whether a probe counts in the columns of tasks.
func (p *probe) byTask() bool {
	return p.Depth == CountDepth && !p.Required && !p.always && p.read == nil
}

// columns is how many columns tasks have for probes that are asked for.
const columns = int(bpfCountCOUNT_CENSORED - bpfCountCOUNT_COLUMNS)

// NotAsked is what Counts.Missing says of the columns of a probe that nobody asked for.
const NotAsked = "not asked for"

var errNotAsked = errors.New(NotAsked)

// loadProbes loads the probes of a depth: those that are required, and those that are asked for by
// name. What happens without another is up to missed.
func (o *objects) loadProbes(depth Depth, asked []string, missed func(probe, error) error) (
	[]part, error) {
	if err := checkAsked(depth, asked); err != nil {
		return nil, err
	}
	for _, p := range probes {
		if p.Depth == depth && p.knob != "" {
			o.knobs[p.knob] = slices.Contains(asked, p.Name)
		}
	}
	var parts []part
	first := 0
	for _, p := range probes {
		if p.Depth != depth {
			continue
		}
		if !p.Required && !p.always && !slices.Contains(asked, p.Name) {
			if err := missed(p, errNotAsked); err != nil {
				return nil, err
			}
			continue
		}
		o.knobs["first_column"] = uint32(first)
		coll, err := o.loadProbe(p)
		if err == nil && p.byTask() && first+len(p.Columns) > columns {
			err = fmt.Errorf("no room for its columns beside the others': a task has %d", columns)
		}
		switch {
		case err != nil && p.Required:
			return nil, err
		case err != nil:
			if err := missed(p, err); err != nil {
				return nil, err
			}
		case p.walk != "":
			if err := o.setWalk(coll.Programs[p.walk]); err != nil {
				return nil, bpf.Explain("probe "+p.Name, err)
			}
		default:
			parts = append(parts, part{p, coll, first})
			if p.byTask() {
				first += len(p.Columns)
			}
		}
	}
	return parts, nil
}

// checkAsked says which probe there is not.
func checkAsked(depth Depth, asked []string) error {
	var names []string
	for _, p := range probes {
		if p.Depth == depth {
			names = append(names, p.Name)
		}
	}
	for _, name := range asked {
		if !slices.Contains(names, name) {
			return fmt.Errorf("trace: no probe %q in %s depth: there are %s", name, depth,
				strings.Join(names, ", "))
		}
	}
	return nil
}

// attachProbes attaches what was loaded, the first one last: with the programs of the scheduler
// everything that they need is there, so that nothing is half counted.
func (o *objects) attachProbes(parts []part) error {
	for _, p := range slices.Backward(parts) {
		if err := o.attach(p.coll); err != nil {
			return bpf.Explain("attach", err)
		}
	}
	return bpf.Explain("probe hotplug", o.noteOffline(parts))
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
	if o.base == nil && !p.base {
		return nil, fmt.Errorf("trace: probe %s: %w without the one that brings its maps", p.Name,
			errors.ErrUnsupported)
	}
	spec, err := p.spec(o.can)
	if err != nil {
		return nil, fmt.Errorf("trace: probe %s: %w", p.Name, err)
	}
	coll, err := o.load(spec)
	return coll, bpf.Explain("probe "+p.Name, err)
}
