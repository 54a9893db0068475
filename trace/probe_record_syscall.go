package trace

import "switchyard/trace/event"

//go:generate go run switchyard/tools/bpf recordSyscall bpf/record_syscall.bpf.c

func init() {
	register(probe{
		Probe: Probe{
			Name:   "record_syscall",
			Doc:    "system calls, as they are entered and left",
			Depth:  RecordDepth,
			Option: "syscalls",
			Help:   "system calls too; slows every system call on the machine by some 0.1 µs",
			Hooks:  []string{"sys_enter", "sys_exit"},
			Columns: []event.Column{{Name: "syscall_enter", Unit: "events"},
				{Name: "syscall_exit", Unit: "events"}},
		},
		spec: recording(loadRecordSyscall),
	})
}
