package doctor

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
)

// A machine is what the doctor looks at: files, and the few things that are in none.
type machine struct {
	proc.Files
	limit   func(resource int) (soft, hard uint64, err error)
	cpus    int // this process may run on
	release string
	root    bool // of the first user namespace, in whatever namespace
}

func thisMachine() machine {
	m := machine{
		Files: proc.Here,
		limit: func(resource int) (uint64, uint64, error) {
			var l unix.Rlimit
			err := unix.Getrlimit(resource, &l)
			return l.Cur, l.Max, os.NewSyscallError("getrlimit", err)
		},
	}
	m.root = proc.MachineRoot()
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil {
		m.cpus = set.Count()
	}
	release, arch := proc.Uname()
	m.release = strings.TrimSpace(release + " " + arch)
	return m
}

// asRoot is what is to be done where a privilege on the whole machine is missing. Who is root of
// another user namespace has none.
func (m machine) asRoot() string {
	if first, err := m.FirstUserNamespace(); err == nil && !first {
		return "run outside of the container, or in a privileged one"
	}
	return "run as root"
}
