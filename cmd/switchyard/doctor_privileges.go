package main

import (
	"golang.org/x/sys/unix"
)

// lookPrivileges looks at what this process may do.
func lookPrivileges(m machine) []finding {
	f := findings{group: "privileges"}
	caps, err := m.Capabilities()
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
		case caps.Has(c.n):
			f.works(c.name, "%s", c.what)
		case caps.Has(unix.CAP_SYS_ADMIN):
			f.works(c.name, "%s: not there, but CAP_SYS_ADMIN stands for it", c.what)
		default:
			f.missing(c.name, c.what, remedy)
		}
	}
	switch {
	case caps.Has(unix.CAP_SYS_ADMIN):
		f.works("CAP_SYS_ADMIN", "includes the two above")
	case caps.Trace():
		f.works("CAP_SYS_ADMIN", "not there, and not needed beside the two above")
	default:
		f.missing("CAP_SYS_ADMIN", "would include the two above", remedy)
	}
	if caps.Has(unix.CAP_SYS_RESOURCE) {
		f.works("CAP_SYS_RESOURCE", "to raise hard limits")
	} else {
		f.missing("CAP_SYS_RESOURCE", "hard limits can only be lowered", "raise them before the start: ulimit -n, or LimitNOFILE= of the service")
	}
	if caps.Has(unix.CAP_NET_BIND_SERVICE) {
		f.works("CAP_NET_BIND_SERVICE", "to listen on ports below 1024")
	} else {
		f.missing("CAP_NET_BIND_SERVICE", "to listen on ports below 1024", "use a port above 1023, or run as root")
	}

	switch first, err := m.FirstUserNamespace(); {
	case err != nil:
		f.unknown("user namespace", err)
	case first:
		f.works("user namespace", "the first one")
	default:
		f.missing("user namespace", "not the first one: the capabilities above do not count for BPF", "run outside of the container, or in a privileged one")
	}
	return f.list
}
