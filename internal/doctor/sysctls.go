package doctor

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

// lookSysctls looks at the settings that bear on tracing, io_uring and how many connections a
// machine makes and takes.
func lookSysctls(m machine) []Finding {
	f := findings{group: "sysctls"}
	caps, _ := m.MachineCapabilities() // none, when it cannot be told: lookPrivileges says so

	f.sysctl(m, "kernel.unprivileged_bpf_disabled", func(name string, n uint64) {
		switch {
		case caps.Trace():
			f.works(name, "%d (the capabilities above are enough)", n)
		default:
			f.missing(name, fmt.Sprintf("%d: tracing needs capabilities whatever stands here", n),
				m.asRoot())
		}
	})
	f.sysctl(m, "kernel.perf_event_paranoid", func(name string, n uint64) {
		// -1, which allows everything, does not read as a number.
		if caps.Has(unix.CAP_PERFMON) || caps.Has(unix.CAP_SYS_ADMIN) || n <= 1 {
			f.works(name, "%d", n)
		} else {
			f.missing(name,
				fmt.Sprintf("%d: perf events of the kernel are for CAP_PERFMON only", n),
				m.asRoot()+", or: sysctl -w kernel.perf_event_paranoid=1")
		}
	})
	f.sysctl(m, "kernel.io_uring_disabled", func(name string, n uint64) {
		const remedy = "sysctl -w kernel.io_uring_disabled=0"
		switch {
		case n == 0 || n == 1 && caps.Has(unix.CAP_SYS_ADMIN):
			f.works(name, "%d", n)
		case n == 1:
			f.missing(name,
				"1: io_uring is for CAP_SYS_ADMIN and the group of kernel.io_uring_group", remedy)
		default:
			f.missing(name, fmt.Sprintf("%d: io_uring is off", n), remedy)
		}
	})
	f.sysctl(m, "net.core.somaxconn", func(name string, n uint64) {
		if n >= backlog {
			f.works(name, "%d", n)
		} else {
			f.missing(name,
				fmt.Sprintf("%d: the accept queue is that long instead of %d", n, backlog),
				fmt.Sprintf("sysctl -w net.core.somaxconn=%d", backlog))
		}
	})
	f.sysctl(m, "net.ipv4.tcp_tw_reuse", func(name string, n uint64) {
		if n > 0 {
			f.works(name, "%d", n)
		} else {
			f.missing(name, "0: a closed connection keeps its port for a minute",
				"sysctl -w net.ipv4.tcp_tw_reuse=2 (loopback only)")
		}
	})

	const ports = "net.ipv4.ip_local_port_range"
	text, err := m.Text(sysctlPath(ports))
	var low, high int
	if err == nil {
		_, err = fmt.Sscan(text, &low, &high)
	}
	switch n := high - low + 1; {
	case err != nil:
		f.unknown(ports, err)
	case n < enoughTasks:
		f.missing(ports,
			fmt.Sprintf("%d to %d: %d ports, and a client needs one for each connection", low, high,
				n),
			`sysctl -w net.ipv4.ip_local_port_range="1024 65535"`)
	default:
		f.works(ports, "%d to %d: %d ports", low, high, n)
	}
	return f.list
}

// backlog is the length of the accept queue that servers ask for.
const backlog = 4096

// sysctl looks at one number, if this kernel has it.
func (f *findings) sysctl(m machine, name string, look func(name string, n uint64)) {
	text, err := m.Text(sysctlPath(name))
	if errors.Is(err, fs.ErrNotExist) {
		f.works(name, "this kernel has no such setting")
		return
	}
	if text == "-1" {
		f.works(name, "-1")
		return
	}
	n, err := m.Number(sysctlPath(name))
	if err != nil {
		f.unknown(name, err)
		return
	}
	look(name, n)
}
