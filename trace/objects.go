package trace

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
)

// kernelTypes returns the running kernel's BTF, parsed once.
var kernelTypes = sync.OnceValues(func() (*btf.Spec, error) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, fmt.Errorf("the kernel describes no types of its own (BTF): %w: "+
			"boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (%w)", errors.ErrUnsupported, err)
	}
	return spec, nil
})

// hook returns the prototype of a tracepoint, as BTF has it: the first argument is the probe's own data.
func hook(tracepoint string) (*btf.FuncProto, error) {
	types, err := kernelTypes()
	if err != nil {
		return nil, err
	}
	var def *btf.Typedef
	if err := types.TypeByName("btf_trace_"+tracepoint, &def); err != nil {
		return nil, fmt.Errorf("this kernel has no tracepoint %s: %w", tracepoint, errors.ErrUnsupported)
	}
	if ptr, ok := def.Type.(*btf.Pointer); ok {
		if proto, ok := ptr.Target.(*btf.FuncProto); ok {
			return proto, nil
		}
	}
	return nil, fmt.Errorf("tracepoint %s has no prototype: %w", tracepoint, errors.ErrUnsupported)
}

// hasMember reports whether a struct of the kernel has a member.
func hasMember(name, member string) bool {
	types, err := kernelTypes()
	if err != nil {
		return false
	}
	var s *btf.Struct
	if types.TypeByName(name, &s) != nil {
		return false
	}
	return slices.ContainsFunc(flatten(s.Members), func(m btf.Member) bool { return m.Name == member })
}

// perCPU returns how far each CPU's instance of a variable, or of one of its fields, is from its run queue. The names are
// alternatives: kernels keep the same thing in different places.
func perCPU(names ...string) (int64, error) {
	types, err := kernelTypes()
	if err != nil {
		return 0, err
	}
	var section *btf.Datasec
	if err := types.TypeByName(".data..percpu", &section); err != nil {
		return 0, fmt.Errorf("per-CPU variables: %w", errors.ErrUnsupported)
	}
	at := make(map[string]int64)
	for _, v := range section.Vars {
		at[v.Type.TypeName()] = int64(v.Offset)
		if s, ok := btf.UnderlyingType(v.Type.(*btf.Var).Type).(*btf.Struct); ok && v.Type.TypeName() == "pcpu_hot" {
			for _, m := range flatten(s.Members) {
				at["pcpu_hot."+m.Name] = int64(v.Offset) + int64(m.Offset.Bytes())
			}
		}
	}
	base, ok := at["runqueues"]
	for _, name := range names {
		if offset, found := at[name]; ok && found {
			return offset - base, nil
		}
	}
	return 0, fmt.Errorf("per-CPU variable %s: %w", names[0], errors.ErrUnsupported)
}

// flatten returns the members, those of unnamed structs and unions in their place.
func flatten(members []btf.Member) (out []btf.Member) {
	for _, m := range members {
		var inner []btf.Member
		switch t := m.Type.(type) {
		case *btf.Struct:
			inner = t.Members
		case *btf.Union:
			inner = t.Members
		}
		if m.Name != "" || inner == nil {
			out = append(out, m)
			continue
		}
		for _, i := range flatten(inner) {
			i.Offset += m.Offset
			out = append(out, i)
		}
	}
	return out
}

// objects are the loaded programs and maps of one session. Whoever loads them closes them.
type objects struct {
	base  *ebpf.Collection // the maps all share, and the scheduler's programs
	rest  []*ebpf.Collection
	links map[string]link.Link // by program
	probe []*ebpf.Collection   // those that were attached, for resume
	walk  *link.Iter
	cache *btf.Cache
	can   abilities
	knobs map[string]any
	tasks int // how many can be followed
}

func newObjects(maxTasks int, lacking abilities) (objects, error) {
	can, err := ask()
	if err != nil {
		return objects{}, explain("open", err)
	}
	can = can.without(lacking)
	can.raiseMemlock()
	return objects{cache: btf.NewCache(), can: can, knobs: knobs(can, maxTasks), tasks: room()}, nil
}

// load adds an object: its maps are those of the first one.
func (o *objects) load(spec *ebpf.CollectionSpec) (*ebpf.Collection, error) {
	if err := fit(spec, o.knobs, o.tasks); err != nil {
		return nil, err
	}
	opts := ebpf.CollectionOptions{Cache: o.cache}
	if o.base != nil {
		opts.MapReplacements = make(map[string]*ebpf.Map)
		for name := range spec.Maps {
			if m := o.base.Maps[name]; m != nil && name != ".rodata" {
				opts.MapReplacements[name] = m
			}
		}
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, opts)
	if err != nil {
		return nil, err
	}
	if o.base == nil {
		o.base = coll
	} else {
		o.rest = append(o.rest, coll)
	}
	return coll, nil
}

// attach attaches all programs of a collection to their tracepoints.
func (o *objects) attach(coll *ebpf.Collection) error {
	if o.links == nil {
		o.links = make(map[string]link.Link)
	}
	for name, prog := range coll.Programs {
		if o.links[name] != nil {
			continue
		}
		l, err := link.AttachTracing(link.TracingOptions{Program: prog})
		if err != nil {
			return fmt.Errorf("attach %s: %w", name, err)
		}
		o.links[name] = l
	}
	if !slices.Contains(o.probe, coll) {
		o.probe = append(o.probe, coll)
	}
	return nil
}

// pause detaches all that is attached, and resume attaches it again.
func (o *objects) pause() error {
	var errs []error
	for _, coll := range o.probe {
		errs = append(errs, o.detach(coll))
	}
	return errors.Join(errs...)
}

func (o *objects) resume() error {
	for _, coll := range o.probe {
		if err := o.attach(coll); err != nil {
			return err
		}
	}
	return nil
}

// detach undoes attach.
func (o *objects) detach(coll *ebpf.Collection) error {
	var errs []error
	for name := range coll.Programs {
		if l := o.links[name]; l != nil {
			errs = append(errs, l.Close())
			delete(o.links, name)
		}
	}
	return errors.Join(errs...)
}

// programs calls f for every loaded program.
func (o *objects) programs(f func(name string, p *ebpf.Program)) {
	for _, coll := range append([]*ebpf.Collection{o.base}, o.rest...) {
		if coll != nil {
			for name, p := range coll.Programs {
				f(name, p)
			}
		}
	}
}

func (o *objects) close() error {
	var errs []error
	for _, l := range o.links {
		errs = append(errs, l.Close())
	}
	if o.walk != nil {
		errs = append(errs, o.walk.Close())
	}
	for _, coll := range o.rest {
		coll.Close()
	}
	if o.base != nil {
		o.base.Close()
	}
	*o = objects{}
	return errors.Join(errs...)
}

// explain turns the kernel's refusal into an error that says what is missing and what to do about it.
func explain(op string, err error) error {
	if err == nil {
		return nil
	}
	refused := errors.Is(err, os.ErrPermission)
	// Without the privilege to ask, a feature looks as if it were not there.
	if refused || errors.Is(err, ebpf.ErrNotSupported) {
		if missing := missingCapabilities(); missing != "" {
			// What the system call said besides is about memory limits, as often
			// as not, and leads nowhere.
			return fmt.Errorf("trace: %s: %w: %s missing: run as root", op, os.ErrPermission, missing)
		}
	}
	var rejected *ebpf.VerifierError
	switch {
	case errors.As(err, &rejected) && !refused:
		return fmt.Errorf("trace: %s: this kernel's verifier rejects it: %w: %w", op, errors.ErrUnsupported, err)
	case refused:
		if limit, bounds := memlock(); bounds {
			return fmt.Errorf("trace: %s: %w: this process may have %d bytes of BPF maps (RLIMIT_MEMLOCK): "+
				"run as root, or after ulimit -l unlimited: %w", op, os.ErrPermission, limit, err)
		}
		return fmt.Errorf("trace: %s: the kernel refuses (locked down, or confined?): %w", op, err)
	case errors.Is(err, ebpf.ErrNotSupported) && !errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("trace: %s: %w: %w", op, errors.ErrUnsupported, err)
	}
	return fmt.Errorf("trace: %s: %w", op, err)
}
