package trace

import (
	"runtime"

	"github.com/cilium/ebpf"

	"switchyard/trace/event"
	"switchyard/trace/syscalls"
)

//go:generate go run switchyard/tools/bpf -type syscall_abi -type syscall_slots syscall bpf/syscall.bpf.c

func init() {
	register(probe{
		Probe: Probe{
			Name:    "syscall",
			Doc:     "system calls by name",
			Depth:   CountDepth,
			Option:  "syscalls",
			Help:    "system calls too; slows every system call on the machine by some 0.1 µs",
			Hooks:   []string{"sys_enter"},
			Columns: []event.Column{syscalls.Column},
		},
		spec: always(loadSyscall),
		read: readSyscalls,
	})
}

// readSyscalls returns how many system calls were counted, by name.
func readSyscalls(c *ebpf.Collection) (event.Values, error) {
	var cpus [][syscallSyscallSlotsSYSCALL_SLOTS]uint64
	if err := c.Maps[syscallMapSyscallCounts].Lookup(uint32(0), &cpus); err != nil {
		return nil, err
	}
	calls := event.Value{Column: syscalls.Column, Parts: make(map[string]uint64)}
	for i := range cpus {
		for slot, n := range cpus[i] {
			if n > 0 {
				calls.Parts[slotName(runtime.GOARCH, slot)] += n
				calls.Count += n
			}
		}
	}
	return event.Values{calls}, nil
}

// slotName is what the calls that are counted in a place are called, on a machine of that
// architecture. The last place of each ABI is that of all higher numbers.
func slotName(machine string, slot int) string {
	const places = int(syscallSyscallSlotsSYSCALLS)
	abi := syscalls.Native(machine)
	switch syscallSyscallAbi(slot / places) {
	case syscallSyscallAbiSYSCALL_COMPAT:
		abi = syscalls.Compat(machine)
	case syscallSyscallAbiSYSCALL_X32:
		abi = syscalls.X32
	}
	nr := slot % places
	if nr == int(syscallSyscallSlotsSYSCALL_OTHER) {
		return syscalls.Qualify(machine, abi, "other")
	}
	return syscalls.Qualify(machine, abi, abi.Name(int64(nr)))
}
