package main

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// capabilities is the set that this process acts with (capabilities(7)).
type capabilities uint64

func (c capabilities) has(n int) bool { return c&(1<<n) != 0 }

// trace reports whether BPF programs that read the kernel's memory may be
// loaded. CAP_SYS_ADMIN stands for both capabilities.
func (c capabilities) trace() bool {
	return c.has(unix.CAP_SYS_ADMIN) || c.has(unix.CAP_BPF) && c.has(unix.CAP_PERFMON)
}

func (m machine) capabilities() (capabilities, error) {
	s, err := m.field("/proc/self/status", "CapEff")
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("/proc/self/status: CapEff: %q is not a number", s)
	}
	return capabilities(n), nil
}

// lookPrivileges looks at what this process may do.
func lookPrivileges(m machine) []finding {
	f := findings{group: "privileges"}
	caps, err := m.capabilities()
	if err != nil {
		f.unknown("capabilities", err)
		return f.list
	}
	const remedy = "run as root, or: setcap cap_bpf,cap_perfmon+ep on the program"
	for _, c := range []struct {
		name, what string
		n          int
	}{
		{"CAP_BPF", "to load BPF programs", unix.CAP_BPF},
		{"CAP_PERFMON", "to let them read the kernel's memory", unix.CAP_PERFMON},
	} {
		switch {
		case caps.has(c.n):
			f.works(c.name, "%s", c.what)
		case caps.has(unix.CAP_SYS_ADMIN):
			f.works(c.name, "%s: not there, but CAP_SYS_ADMIN stands for it", c.what)
		default:
			f.missing(c.name, c.what, remedy)
		}
	}
	switch {
	case caps.has(unix.CAP_SYS_ADMIN):
		f.works("CAP_SYS_ADMIN", "includes the two above")
	case caps.trace():
		f.works("CAP_SYS_ADMIN", "not there, and not needed beside the two above")
	default:
		f.missing("CAP_SYS_ADMIN", "would include the two above", remedy)
	}
	if caps.has(unix.CAP_SYS_RESOURCE) {
		f.works("CAP_SYS_RESOURCE", "to raise hard limits")
	} else {
		f.missing("CAP_SYS_RESOURCE", "hard limits can only be lowered", "raise them before the start: ulimit -n, or LimitNOFILE= of the service")
	}
	if caps.has(unix.CAP_NET_BIND_SERVICE) {
		f.works("CAP_NET_BIND_SERVICE", "to listen on ports below 1024")
	} else {
		f.missing("CAP_NET_BIND_SERVICE", "to listen on ports below 1024", "use a port above 1023, or run as root")
	}

	var inside, outside, length uint64
	switch s, err := m.text("/proc/self/uid_map"); {
	case err != nil:
		f.unknown("user namespace", err)
	default:
		if _, err := fmt.Sscan(s, &inside, &outside, &length); err == nil && inside == 0 && outside == 0 && length == 1<<32-1 {
			f.works("user namespace", "the first one")
		} else {
			f.missing("user namespace", "not the first one: the capabilities above do not count for BPF", "run outside of the container, or in a privileged one")
		}
	}
	return f.list
}
