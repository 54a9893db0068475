// Package doctor finds out what of Switchyard works on this machine, what is missing, and what to
// do about that.
package doctor

import (
	"fmt"

	"switchyard"
	"switchyard/trace"
)

// Status is what a Finding can be. Its values are in the JSON.
type Status string

const (
	Works   Status = "works"
	Missing Status = "missing" // there is a remedy
	Unknown Status = "unknown" // it could not be told
)

// A Finding is one thing the doctor looked at.
type Finding struct {
	Group  string `json:"group"`
	Name   string `json:"name"`
	Status Status `json:"status"`
	Value  string `json:"value"`  // what was found, or why it could not be told
	Remedy string `json:"remedy"` // what to do about it, when it is missing
}

// findings are what the doctor found of one group.
type findings struct {
	group string
	list  []Finding
}

func (f *findings) add(status Status, name, value, remedy string) {
	f.list = append(f.list, Finding{f.group, name, status, value, remedy})
}

func (f *findings) works(name, format string, a ...any) {
	f.add(Works, name, fmt.Sprintf(format, a...), "")
}

func (f *findings) missing(name, value, remedy string) { f.add(Missing, name, value, remedy) }

func (f *findings) unknown(name string, err error) { f.add(Unknown, name, err.Error(), "") }

// Examine looks at this machine: the kernel and its CPUs, privileges, sysctls, limits, the probes,
// each of which is loaded and closed again, and the models that are registered. It needs no
// privilege: what is missing for want of one it says.
func Examine() []Finding {
	m := thisMachine()
	var all []Finding
	for _, look := range []func(machine) []Finding{
		lookKernel, lookCPUs, lookPrivileges, lookSysctls, lookLimits,
	} {
		all = append(all, look(m)...)
	}
	return append(all, append(lookProbes(), lookModels()...)...)
}

func lookProbes() []Finding {
	f := findings{group: "probes"}
	for _, p := range trace.Probes() {
		if p.Err == nil {
			f.works(p.Name, "%s", p.Doc)
		} else {
			// The reason names its own remedy.
			f.missing(p.Name, p.Doc, p.Err.Error())
		}
	}
	return f.list
}

func lookModels() []Finding {
	f := findings{group: "models"}
	for _, m := range switchyard.Models() {
		if err := m.Available(); err != nil {
			f.missing(m.Name, m.Doc, err.Error())
		} else {
			f.works(m.Name, "%s", m.Doc)
		}
	}
	return f.list
}
