package trace

import "switchyard/trace/event"

//go:generate go run switchyard/tools/bpf syscall bpf/syscall.bpf.c

func init() {
	register(probe{
		Probe: Probe{
			Name:    "syscall",
			Doc:     "system calls by name",
			Depth:   CountDepth,
			Option:  "syscalls",
			Help:    "system calls too; slows every system call on the machine by some 0.1 µs",
			Hooks:   []string{"sys_enter"},
			Columns: []event.Column{{Name: "syscalls", Unit: "calls"}},
		},
		spec: always(loadSyscall),
	})
}
