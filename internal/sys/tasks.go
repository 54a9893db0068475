package sys

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// TaskReserve is how many tasks are left for the Go runtime's own threads and
// for other programs. The runtime ends the process when it cannot make a
// thread, and it makes one whenever it likes.
const TaskReserve = 64

// RoomForTasks is an error when n threads more would meet a limit.
func RoomForTasks(n int) error {
	room, limit := TaskRoom()
	if room -= TaskReserve; n <= room {
		return nil
	}
	return fmt.Errorf("make %d threads: %w: room for %d under %s (use fewer workers, or raise the limit)",
		n, syscall.EAGAIN, max(0, room), limit)
}

// RaiseMaxThreads lets the Go runtime make n threads more than the 10,000 at
// which it ends the process. It never lowers the bound, not even for a moment:
// the runtime ends the process for that, too.
func RaiseMaxThreads(n int) {
	before := debug.SetMaxThreads(math.MaxInt32)
	debug.SetMaxThreads(max(before, 10_000+n))
}

// TaskRoom is how many tasks more this process can make before it meets a
// limit of the system, of its user or of its control group, and the name of the
// limit that comes first. A limit that cannot be read does not count.
func TaskRoom() (room int, limit string) {
	room, limit = math.MaxInt32, "no limit"
	lower := func(name string, most, used int) {
		if left := most - used; left < room {
			room, limit = left, name
		}
	}
	if all, ok := systemTasks(); ok {
		for _, name := range []string{"threads-max", "pid_max"} {
			if n, ok := number("/proc/sys/kernel/" + name); ok {
				lower("kernel."+name, n, all)
			}
		}
	}
	// A thread of the C library is two mappings, a stack and its guard.
	if n, ok := number("/proc/sys/vm/max_map_count"); ok {
		if maps, err := os.ReadFile("/proc/self/maps"); err == nil {
			lower("vm.max_map_count", n/2, bytes.Count(maps, []byte("\n"))/2)
		}
	}
	var nproc unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NPROC, &nproc) == nil && nproc.Cur < math.MaxInt32 && !exempt() {
		lower("RLIMIT_NPROC (ulimit -u)", int(nproc.Cur), UserTasks(os.Getuid()))
	}
	for _, g := range pidsCgroups() {
		most, ok := number(filepath.Join(g.Dir, "pids.max")) // "max" is no number
		used, ok2 := number(filepath.Join(g.Dir, "pids.current"))
		if ok && ok2 {
			lower("pids.max of the control group "+g.Dir, most, used)
		}
	}
	return room, limit
}

// pidsCgroups are the control groups that can limit this process' tasks, those
// in sight.
func pidsCgroups() []Cgroup {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	list, _ := Cgroups(string(groups), string(mounts), "pids")
	return list
}

func number(path string) (int, bool) {
	p, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(p)))
	return n, err == nil
}

// systemTasks is the number of tasks on the machine (proc_loadavg(5), the
// fourth field).
func systemTasks() (int, bool) {
	p, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(p))
	if len(fields) < 4 {
		return 0, false
	}
	_, total, _ := strings.Cut(fields[3], "/")
	n, err := strconv.Atoi(total)
	return n, err == nil
}

// exempt reports whether the kernel does not hold this process to
// RLIMIT_NPROC (getrlimit(2)): root, CAP_SYS_ADMIN and CAP_SYS_RESOURCE of the
// first user namespace.
func exempt() bool {
	users, err := os.ReadFile("/proc/self/uid_map")
	if f := strings.Fields(string(users)); err != nil || len(f) != 3 || f[0] != "0" || f[1] != "0" || f[2] != "4294967295" {
		return false
	}
	if os.Getuid() == 0 {
		return true
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	caps, _ := strconv.ParseUint(statusField(status, "CapEff"), 16, 64)
	return caps&(1<<unix.CAP_SYS_ADMIN|1<<unix.CAP_SYS_RESOURCE) != 0
}

// UserTasks counts the tasks whose real user is uid, those in sight.
func UserTasks(uid int) int {
	dirs, _ := fs.Glob(os.DirFS("/proc"), "[0-9]*")
	n := 0
	for _, dir := range dirs {
		status, err := os.ReadFile("/proc/" + dir + "/status")
		if err != nil {
			continue // gone meanwhile
		}
		real, _, _ := strings.Cut(statusField(status, "Uid"), "\t")
		if real == strconv.Itoa(uid) {
			threads, _ := strconv.Atoi(statusField(status, "Threads"))
			n += threads
		}
	}
	return n
}

// statusField is the value of one line of /proc/PID/status
// (proc_pid_status(5)).
func statusField(status []byte, name string) string {
	for line := range bytes.Lines(status) {
		if key, value, ok := bytes.Cut(line, []byte(":")); ok && string(key) == name {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}
