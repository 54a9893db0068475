package doctor

import (
	"golang.org/x/sys/unix"
)

// lookPrivileges looks at what this process may do.
func lookPrivileges(m machine) []Finding {
	f := findings{group: "privileges"}
	caps, err := m.Capabilities()
	if err != nil {
		f.unknown("capabilities", err)
		return f.list
	}
	first, err := m.FirstUserNamespace()
	if err != nil {
		f.unknown("user namespace", err)
		return f.list
	}
	remedy := m.asRoot()
	if first {
		f.works("user namespace", "the first one")
		remedy += ", or: setcap cap_bpf,cap_perfmon+ep on the program"
	} else {
		f.missing("user namespace",
			"not the first one: capabilities do not count for the whole machine", remedy)
	}
	// has says of a capability whether it is there, and whether it counts.
	has := func(n int, name, what, remedy string) {
		switch {
		case caps.Has(n) && first:
			f.works(name, "%s", what)
		case caps.Has(n):
			f.missing(name, what+": there, but of no effect in this user namespace", remedy)
		default:
			f.missing(name, what, remedy)
		}
	}
	for _, c := range []struct {
		name, what string
		n          int
	}{
		{"CAP_BPF", "to load BPF programs", unix.CAP_BPF},
		{"CAP_PERFMON", "to let them read the kernel's memory", unix.CAP_PERFMON},
	} {
		if first && !caps.Has(c.n) && caps.Has(unix.CAP_SYS_ADMIN) {
			f.works(c.name, "%s: not there, but CAP_SYS_ADMIN stands for it", c.what)
			continue
		}
		has(c.n, c.name, c.what, remedy)
	}
	switch {
	case caps.Has(unix.CAP_SYS_ADMIN) && first:
		f.works("CAP_SYS_ADMIN", "includes the two above")
	case caps.Trace() && first:
		f.works("CAP_SYS_ADMIN", "not there, and not needed beside the two above")
	default:
		has(unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "would include the two above", remedy)
	}
	has(unix.CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE", "to raise hard limits",
		"raise them before the start: ulimit -n, or LimitNOFILE= of the service")
	if caps.Has(unix.CAP_NET_BIND_SERVICE) && !first {
		f.works("CAP_NET_BIND_SERVICE",
			"to listen on ports below 1024 of a network namespace that "+
				"belongs to this user namespace")
	} else {
		has(unix.CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE", "to listen on ports below 1024",
			"use a port above 1023, or "+m.asRoot())
	}
	return f.list
}
