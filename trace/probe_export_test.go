package trace

import (
	"slices"

	"switchyard/trace/event"
)

// RegisterCopy registers a probe that does what another does, with columns of other names, until
// what it returns is called.
func RegisterCopy(name, copy string) (undo func()) {
	before := slices.Clone(probes)
	i := slices.IndexFunc(probes, func(p probe) bool { return p.Name == name })
	p := probes[i]
	p.Name, p.Columns = copy, slices.Clone(p.Columns)
	for j := range p.Columns {
		p.Columns[j] = event.Column{Name: copy + "_" + p.Columns[j].Name, Unit: p.Columns[j].Unit}
	}
	register(p)
	return func() { probes = before }
}
