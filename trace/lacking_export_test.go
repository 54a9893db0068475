package trace

import "strings"

// Lacking returns options for a session that does without abilities of this kernel: those named,
// with commas between.
func (o Options) Lacking(names string) Options {
	for name, ability := range map[string]*bool{
		"current": &o.lacking.Current,
		"atomics": &o.lacking.Atomics,
		"loop":    &o.lacking.Loop,
		"ptregs":  &o.lacking.PtRegs,
	} {
		*ability = strings.Contains(names, name)
	}
	return o
}
