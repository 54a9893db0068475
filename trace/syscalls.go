package trace

import (
	"runtime"

	"switchyard/trace/syscalls"
)

// syscalls returns the window's system calls by name, nil if they were not counted.
func (s *Session) syscalls(end *bpfCpu) map[string]uint64 {
	if _, ok := s.missing["syscalls"]; ok {
		return nil
	}
	calls := make(map[string]uint64)
	for slot, n := range end.Syscalls {
		if n -= s.cpus.Syscalls[slot]; n > 0 {
			calls[slotName(runtime.GOARCH, slot)] += n
		}
	}
	return calls
}

// slotName is what the calls that are counted in a place are called, on a machine of that
// architecture. The last place of each ABI is that of all higher numbers.
func slotName(machine string, slot int) string {
	const places = int(bpfSyscallSlotsSYSCALLS)
	abi := syscalls.Native(machine)
	switch bpfSyscallAbi(slot / places) {
	case bpfSyscallAbiSYSCALL_COMPAT:
		abi = syscalls.Compat(machine)
	case bpfSyscallAbiSYSCALL_X32:
		abi = syscalls.X32
	}
	nr := slot % places
	if nr == int(bpfSyscallSlotsSYSCALL_OTHER) {
		return syscalls.Qualify(machine, abi, "other")
	}
	return syscalls.Qualify(machine, abi, abi.Name(int64(nr)))
}
