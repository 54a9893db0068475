package trace

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"switchyard/internal/bpf"
)

// objects are the loaded programs and maps of one session. Whoever loads them closes them.
type objects struct {
	base  *ebpf.Collection // the maps all share, and the scheduler's programs
	rest  []*ebpf.Collection
	links map[*ebpf.Program]link.Link
	probe []*ebpf.Collection // those that were attached, for resume
	walk  *link.Iter
	cache *btf.Cache
	can   bpf.Abilities
	knobs map[string]any
	tasks int // how many can be followed
}

func newObjects(maxTasks int, lacking bpf.Abilities) (objects, error) {
	can, err := bpf.Ask()
	if err != nil {
		return objects{}, bpf.Explain("open", err)
	}
	can = can.Without(lacking)
	can.RaiseMemlock()
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
		o.links = make(map[*ebpf.Program]link.Link)
	}
	for name, prog := range coll.Programs {
		if o.links[prog] != nil {
			continue
		}
		l, err := link.AttachTracing(link.TracingOptions{Program: prog})
		if err != nil {
			return fmt.Errorf("attach %s: %w", name, err)
		}
		o.links[prog] = l
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

// setWalk makes a program the one that visits all tasks.
func (o *objects) setWalk(prog *ebpf.Program) (err error) {
	o.walk, err = link.AttachIter(link.IterOptions{Program: prog})
	return err
}

// detach undoes attach.
func (o *objects) detach(coll *ebpf.Collection) error {
	var errs []error
	for _, prog := range coll.Programs {
		if l := o.links[prog]; l != nil {
			errs = append(errs, l.Close())
			delete(o.links, prog)
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

// fit turns an object into what this kernel can load: the knobs are those of knobs, the maps hold
// that many tasks.
func fit(spec *ebpf.CollectionSpec, knobs map[string]any, tasks int) error {
	for name, value := range knobs {
		if v := spec.Variables[name]; v != nil {
			if err := v.Set(value); err != nil {
				return fmt.Errorf("knob %s: %w", name, err)
			}
		}
	}
	for _, name := range []string{bpfMapRows, schedPlainMapRowQueue, bpfMapLatencies,
		bpfMapFreePlaces} {
		if m := spec.Maps[name]; m != nil {
			m.MaxEntries = knobs["max_rows"].(uint32)
		}
	}
	if m, size := spec.Maps["rings"], knobs["ring_size"]; m != nil && size != nil {
		m.InnerMap.MaxEntries = size.(uint32)
	}
	for _, name := range []string{bpfMapTraced, bpfMapTasks, bpfMapFreeSlots,
		schedPlainMapTickets} {
		if m := spec.Maps[name]; m != nil {
			m.MaxEntries = uint32(tasks)
		}
	}
	if m := spec.Maps[bpfMapOfflineCpus]; m != nil {
		cpus, err := ebpf.PossibleCPU()
		if err != nil {
			return err
		}
		m.MaxEntries = uint32(cpus)
	}
	return nil
}
