package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// enoughTasks is how many tasks, or descriptors, a server at the default bound on connections may
// need.
const enoughTasks = 10_000 + 100

// lookLimits looks at what bounds the number of connections, processes and threads.
func lookLimits(m machine) []Finding {
	f := findings{group: "limits"}
	caps, _ := m.MachineCapabilities()

	for _, l := range []struct {
		name     string
		resource int
		what     string
		remedy   string
		exempt   bool
	}{
		{"RLIMIT_NOFILE", unix.RLIMIT_NOFILE, "open descriptors",
			"as root: ulimit -n 65536, or LimitNOFILE= of the service", false},
		{"RLIMIT_NPROC", unix.RLIMIT_NPROC, "tasks of this user",
			"as root: ulimit -u 65536, or LimitNPROC= of the service",
			caps.Has(unix.CAP_SYS_RESOURCE) || caps.Has(unix.CAP_SYS_ADMIN) || m.root},
	} {
		soft, hard, err := m.limit(l.resource)
		switch {
		case err != nil:
			f.unknown(l.name, err)
		case l.exempt:
			f.works(l.name, "%s %s, which does not bind this process", amount(soft), l.what)
		case soft < enoughTasks:
			f.missing(l.name,
				fmt.Sprintf("%s %s (hard limit %s): fewer connections than the default bound of 10000",
					amount(soft), l.what, amount(hard)),
				l.remedy)
		default:
			f.works(l.name, "%s %s", amount(soft), l.what)
		}
	}
	if soft, _, err := m.limit(unix.RLIMIT_MEMLOCK); err != nil {
		f.unknown("RLIMIT_MEMLOCK", err)
	} else {
		f.works("RLIMIT_MEMLOCK",
			"%s bytes; BPF maps (since Linux 5.11) and io_uring (since 5.12) are not counted",
			amount(soft))
	}

	for _, name := range []string{"kernel.threads-max", "kernel.pid_max"} {
		f.sysctl(m, name, func(name string, n uint64) {
			if n < enoughTasks {
				f.missing(name,
					fmt.Sprintf("%d: too few for a task for each of 10000 connections", n),
					"sysctl -w "+name+"=32768")
			} else {
				f.works(name, "%d tasks on the machine", n)
			}
		})
	}

	const name = "pids cgroup"
	groups, err := m.Cgroups("self", "pids")
	if err != nil {
		f.unknown(name, err)
		return f.list
	}
	// The limit of every group above binds too.
	least, at := uint64(unix.RLIM_INFINITY), groups[0].Dir
	for _, g := range groups {
		n, err := m.Number(path.Join(g.Dir, "pids.max"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			f.unknown(name, err)
			return f.list
		}
		if err == nil && n < least {
			least, at = n, g.Dir
		}
	}
	if least < enoughTasks {
		f.missing(name, fmt.Sprintf("%d tasks in %s: fewer than 10000 connections need", least, at),
			"as root: echo max > "+path.Join(at, "pids.max"))
	} else {
		f.works(name, "%s tasks in %s", amount(least), at)
	}
	return f.list
}

func amount(n uint64) string {
	if n == unix.RLIM_INFINITY {
		return "unlimited"
	}
	return fmt.Sprint(n)
}

func sysctlPath(name string) string { return "/proc/sys/" + strings.ReplaceAll(name, ".", "/") }
