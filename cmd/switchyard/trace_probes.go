package main

import (
	"slices"

	"github.com/spf13/pflag"

	"switchyard/trace"
)

// probeFlags are those by which probes are asked for: a flag for each option in the table of
// probes, which can be that of a probe in either depth.
type probeFlags map[string]*bool

// probeDepths are the depths that trace has probes of.
var probeDepths = []trace.Depth{trace.CountDepth, trace.RecordDepth, trace.SwitchCostDepth}

// addProbeFlags adds them to a command.
func addProbeFlags(f *pflag.FlagSet) probeFlags {
	flags := probeFlags{}
	for _, depth := range probeDepths {
		for _, p := range trace.Optional(depth) {
			if flags[p.Option] == nil {
				flags[p.Option] = f.Bool(p.Option, false, p.Help)
			}
		}
	}
	return flags
}

// addCountFlags adds those of count depth to a command that asks for some of them always.
func addCountFlags(f *pflag.FlagSet, always []string) probeFlags {
	flags := probeFlags{}
	for _, p := range trace.Optional(trace.CountDepth) {
		if slices.Contains(always, p.Name) {
			asked := true
			flags[p.Option] = &asked
			continue
		}
		flags[p.Option] = f.Bool(p.Option, false, "count besides: "+p.Doc)
	}
	return flags
}

// of lists the probes of a depth that were asked for.
func (f probeFlags) of(depth trace.Depth) []string {
	var names []string
	for _, p := range trace.Optional(depth) {
		if *f[p.Option] {
			names = append(names, p.Name)
		}
	}
	return names
}

// check says which flag asks for a probe that these depths do not have.
func (f probeFlags) check(depths ...trace.Depth) error {
	var has []string
	for _, depth := range depths {
		for _, p := range trace.Optional(depth) {
			has = append(has, p.Option)
		}
	}
	for _, depth := range probeDepths {
		for _, p := range trace.Optional(depth) {
			if *f[p.Option] && !slices.Contains(has, p.Option) {
				return usagef("--%s: only --%s has that probe", p.Option, depth)
			}
		}
	}
	return nil
}
