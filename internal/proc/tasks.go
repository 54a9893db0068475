package proc

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// TaskReserve is how many tasks are left for the Go runtime's own threads and for other programs.
// The runtime ends the process when it cannot make a thread, and it makes one whenever it likes.
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

// TaskRoom is how many tasks more this process can make before it meets a limit of the system, of
// its user or of its control group, and the name of the limit that comes first. A limit that cannot
// be read does not count.
func TaskRoom() (room int, limit string) {
	room, limit = math.MaxInt32, "no limit"
	lower := func(name string, most, used int) {
		if left := most - used; left < room {
			room, limit = left, name
		}
	}
	if all, err := Here.Tasks(); err == nil {
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
	groups, _ := Here.Cgroups("self", "pids")
	for _, g := range groups {
		most, ok := number(filepath.Join(g.Dir, "pids.max")) // "max" is no number
		used, ok2 := number(filepath.Join(g.Dir, "pids.current"))
		if ok && ok2 {
			lower("pids.max of the control group "+g.Dir, most, used)
		}
	}
	return room, limit
}

// number returns the number a file holds; of a limit that is none it is false.
func number(name string) (int, bool) {
	n, err := Here.Number(name)
	return int(n), err == nil && n <= math.MaxInt
}

// Cgroups returns the control group of a process, "self" or a PID, in the hierarchy that has a
// controller, and those above it as far as they can be seen.
func (f Files) Cgroups(pid, controller string) ([]Cgroup, error) {
	groups, err := f.Text("/proc/" + pid + "/cgroup")
	if err != nil {
		return nil, err
	}
	mounts, err := f.Text("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return Cgroups(groups, mounts, controller)
}

// Tasks returns the number of tasks on the machine (proc_loadavg(5), the fourth field).
func (f Files) Tasks() (int, error) {
	text, err := f.Text("/proc/loadavg")
	if err != nil {
		return 0, err
	}
	if fields := strings.Fields(text); len(fields) >= 4 {
		_, total, _ := strings.Cut(fields[3], "/")
		if n, err := strconv.Atoi(total); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("/proc/loadavg: %q has no number of tasks", text)
}

// exempt reports whether the kernel does not hold this process to RLIMIT_NPROC (getrlimit(2)): the
// machine's root, and who has CAP_SYS_ADMIN or CAP_SYS_RESOURCE on the whole machine.
func exempt() bool {
	caps, _ := Here.MachineCapabilities()
	return caps.Has(unix.CAP_SYS_ADMIN) || caps.Has(unix.CAP_SYS_RESOURCE) || MachineRoot()
}

// MachineRoot reports whether the real user of this process is root of the first user namespace, in
// whatever namespace the process is, by whatever number, and with whatever capabilities.
func MachineRoot() bool {
	uid := os.Getuid()
	if first, err := Here.FirstUserNamespace(); err == nil && first {
		return uid == 0
	}
	// A file that is that user's shows by which number it goes here. Users who have none all go by
	// the same.
	var s unix.Stat_t
	nobody, known := number("/proc/sys/kernel/overflowuid")
	return unix.Stat("/proc/sys/kernel/threads-max", &s) == nil && known && uid != nobody &&
		int(s.Uid) == uid
}

// UserTasks counts the tasks whose real user is uid, those in sight.
func UserTasks(uid int) int {
	dirs, _ := fs.Glob(os.DirFS("/proc"), "[0-9]*")
	n := 0
	for _, dir := range dirs {
		status := "/proc/" + dir + "/status"
		uids, err := Here.Field(status, "Uid")
		if err != nil {
			continue // gone meanwhile
		}
		if real, _, _ := strings.Cut(uids, "\t"); real == strconv.Itoa(uid) {
			text, _ := Here.Field(status, "Threads")
			threads, _ := strconv.Atoi(text)
			n += threads
		}
	}
	return n
}
