package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// enoughTasks is how many tasks, or descriptors, a server at the default bound
// on connections may need.
const enoughTasks = 10_000 + 100

// lookLimits looks at what bounds the number of connections, processes and
// threads.
func lookLimits(m machine) []finding {
	f := findings{group: "limits"}
	caps, _ := m.capabilities()

	for _, l := range []struct {
		name     string
		resource int
		what     string
		remedy   string
		exempt   bool
	}{
		{"RLIMIT_NOFILE", unix.RLIMIT_NOFILE, "open descriptors", "as root: ulimit -n 65536, or LimitNOFILE= of the service", false},
		{"RLIMIT_NPROC", unix.RLIMIT_NPROC, "tasks of this user", "as root: ulimit -u 65536, or LimitNPROC= of the service",
			caps.has(unix.CAP_SYS_RESOURCE) || caps.has(unix.CAP_SYS_ADMIN)},
	} {
		soft, hard, err := m.limit(l.resource)
		switch {
		case err != nil:
			f.unknown(l.name, err)
		case l.exempt:
			f.works(l.name, "%s %s, which does not bind this process", amount(soft), l.what)
		case soft < enoughTasks:
			f.missing(l.name, fmt.Sprintf("%s %s (hard limit %s): fewer connections than the default bound of 10000", amount(soft), l.what, amount(hard)), l.remedy)
		default:
			f.works(l.name, "%s %s", amount(soft), l.what)
		}
	}
	if soft, _, err := m.limit(unix.RLIMIT_MEMLOCK); err != nil {
		f.unknown("RLIMIT_MEMLOCK", err)
	} else {
		f.works("RLIMIT_MEMLOCK", "%s bytes; BPF maps (since Linux 5.11) and io_uring (since 5.12) are not counted", amount(soft))
	}

	for _, name := range []string{"kernel.threads-max", "kernel.pid_max"} {
		f.sysctl(m, name, func(name string, n uint64) {
			if n < enoughTasks {
				f.missing(name, fmt.Sprintf("%d: too few for a task for each of 10000 connections", n), "sysctl -w "+name+"=32768")
			} else {
				f.works(name, "%d tasks on the machine", n)
			}
		})
	}

	const name = "pids cgroup"
	dir, err := m.pidsCgroup()
	if err != nil {
		f.unknown(name, err)
		return f.list
	}
	// The limit of every group above binds too.
	least, at := uint64(unix.RLIM_INFINITY), dir
	for d := dir; d != "/" && d != "."; d = path.Dir(d) {
		n, err := m.number(path.Join(d, "pids.max"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			f.unknown(name, err)
			return f.list
		}
		if err == nil && n < least {
			least, at = n, d
		}
	}
	if least < enoughTasks {
		f.missing(name, fmt.Sprintf("%d tasks in %s: fewer than 10000 connections need", least, at), "as root: echo max > "+path.Join(at, "pids.max"))
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

// pidsCgroup is the directory that bounds the tasks of this process: of the
// pids controller of cgroup v1 if there is one, else of cgroup v2
// (cgroups(7), /proc/self/cgroup).
func (m machine) pidsCgroup() (string, error) {
	cgroups, err := m.text("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	mounts, err := m.text("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	var v1, v2 string
	var has1, has2 bool
	for line := range strings.Lines(cgroups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) != 3:
		case parts[0] == "0" && parts[1] == "":
			v2, has2 = parts[2], true
		case contains(parts[1], "pids"):
			v1, has1 = parts[2], true
		}
	}
	// proc_pid_mountinfo(5): the root of the mount is the fourth field, the
	// place of it the fifth; the type and the options follow a hyphen.
	for line := range strings.Lines(mounts) {
		before, after, ok := strings.Cut(strings.TrimSpace(line), " - ")
		b, a := strings.Fields(before), strings.Fields(after)
		if !ok || len(b) < 5 || len(a) < 1 {
			continue
		}
		var in string
		switch {
		case has1 && a[0] == "cgroup" && contains(a[len(a)-1], "pids"):
			in = v1
		case !has1 && has2 && a[0] == "cgroup2":
			in = v2
		default:
			continue
		}
		// In a container the mount shows a part of the tree, whose root is
		// not the root.
		return path.Join(b[4], strings.TrimPrefix(in, strings.TrimSuffix(b[3], "/"))), nil
	}
	return "", errors.New("no mounted cgroup counts tasks")
}

// contains reports whether word is one of a list with commas.
func contains(list, word string) bool {
	for s := range strings.SplitSeq(list, ",") {
		if s == word {
			return true
		}
	}
	return false
}
