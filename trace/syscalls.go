package trace

import "strconv"

// syscallName returns the kernel's name for a system call of this architecture, syscall_N if it is not known.
func syscallName(nr int) string {
	if nr < len(syscallNames) && syscallNames[nr] != "" {
		return syscallNames[nr]
	}
	switch nr {
	case int(bpfSyscallSlotsSYSCALL_OTHER):
		return "other"
	case int(bpfSyscallSlotsSYSCALL_32BIT):
		return "32-bit"
	}
	return "syscall_" + strconv.Itoa(nr)
}

// SyscallName returns the kernel's name for a system call of the architecture this program was built for, syscall_N if it is
// not known.
func SyscallName(nr int) string {
	if nr < 0 || nr >= len(syscallNames) {
		return "syscall_" + strconv.Itoa(nr)
	}
	return syscallName(nr)
}

// syscalls returns the window's system calls by name, nil if they were not counted.
func (s *Session) syscalls(end *bpfCpu) map[string]uint64 {
	if _, ok := s.missing["syscalls"]; ok {
		return nil
	}
	calls := make(map[string]uint64)
	for nr, n := range end.Syscalls {
		if n -= s.cpus.Syscalls[nr]; n > 0 {
			calls[syscallName(nr)] = n
		}
	}
	return calls
}
