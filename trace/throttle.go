package trace

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Throttling is how often, and for how long, cgroups were kept from the CPU in a window because they had used up what
// cpu.max (cgroup v2) or cpu.cfs_quota_us (v1) gives them in a period. Their tasks were runnable meanwhile: the time is in
// Count.RunQueue and in the run-queue latencies, though no other task may have had the CPU.
type Throttling struct {
	// Cgroups are the names of those that were throttled, by falling time. They are data: the names are chosen by whoever
	// made the cgroups, and may have any byte but a line's end.
	Cgroups []string `json:"cgroups"`
	// Read is the number of cgroups that were read.
	Read int `json:"cgroups_read"`
	// Times is the number of periods in which one was throttled (nr_throttled), added up. The kernel counts a period at its
	// end, and the time when it lets the tasks go, which can be periods later: either may be 0 and the other not.
	Times uint64 `json:"count"`
	// Time is that of the throttled run queues, of which a cgroup has one for each CPU, added up: it can be longer than the
	// window.
	Time time.Duration `json:"ns"`
}

// ThrottleWatch compares what cgroups' cpu.stat says with what it said when the watch was made. It keeps no descriptor, so
// there is nothing to close. Its methods are for one goroutine at a time.
type ThrottleWatch struct {
	root  string // of the file system: "" outside tests
	all   bool
	begun map[string]cpuStat // by directory
	err   error              // why the result is not known
	gone  error              // a process that was not there, which matters if there is no other
}

// A cgroup is a directory of a cgroup file system, and the name that proc/PID/cgroup has for it.
type cgroup struct{ dir, name string }

// A cpuStat is what a cgroup's cpu.stat says of throttling.
type cpuStat struct {
	cgroup
	inode uint64 // another cgroup may come under the same name
	times uint64
	time  time.Duration
}

// errNoThrottling: the controller cpu is off in a cgroup, or it is the root of cgroup v2, which has no limit.
var errNoThrottling = errors.New("no nr_throttled")

// maxCgroups is how many cgroups of a machine are read at most. Each takes some 20 µs.
const maxCgroups = 4096

// WatchThrottling begins to watch the cgroups that processes are in now, and the cgroups above those, whose limits hold as
// well. A process that is in another cgroup later, such as a child that was moved there, is not watched. It needs no
// privilege, only to see the processes in /proc and the cgroup file system in its mounts (cgroups(7)). What is in the way is
// the error of Read.
func WatchThrottling(pids ...int) *ThrottleWatch {
	w := newThrottleWatch("")
	for _, pid := range pids {
		w.add(pid)
	}
	return w
}

// watch begins to watch the cgroups of what is followed.
func watch(all bool, pids []int) *ThrottleWatch {
	if !all {
		return WatchThrottling(pids...)
	}
	w := newThrottleWatch("")
	w.addAll()
	return w
}

func newThrottleWatch(root string) *ThrottleWatch {
	return &ThrottleWatch{root: root, begun: make(map[string]cpuStat)}
}

// add watches a process' cgroups, from now on if they were not watched before.
func (w *ThrottleWatch) add(pid int) {
	if w.all {
		return
	}
	groups, err := w.cgroupsOf(pid)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ESRCH):
		w.gone = fmt.Errorf("process %d is not there, or may not be seen", pid)
		return
	case err != nil:
		w.fail(err)
		return
	}
	known := false
	for _, g := range groups {
		if _, ok := w.begun[g.dir]; ok {
			known = true
			continue
		}
		s, err := readCPUStat(g)
		switch {
		case err == nil:
			known = true
			w.begun[g.dir] = s
		case !errors.Is(err, errNoThrottling):
			w.fail(err)
		}
	}
	if !known {
		w.fail(fmt.Errorf("the CPU controller is on neither in the cgroup %q nor in one above it that can be seen", groups[0].name))
	}
}

// addAll watches every cgroup that can be seen, those that come later included. What one that goes had of it is left out.
func (w *ThrottleWatch) addAll() {
	w.all = true
	now, err := w.walk()
	if err != nil {
		w.fail(err)
	}
	for dir, s := range now {
		if _, ok := w.begun[dir]; !ok {
			w.begun[dir] = s
		}
	}
}

func (w *ThrottleWatch) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// Read returns what has happened since the cgroups were first watched. An error says why that is not known.
func (w *ThrottleWatch) Read() (*Throttling, error) {
	switch {
	case w.err != nil:
		return nil, w.err
	case len(w.begun) == 0 && w.gone != nil:
		return nil, w.gone
	case len(w.begun) == 0:
		return nil, errors.New("no process was followed")
	}
	now, err := w.again()
	if err != nil {
		return nil, err
	}
	t := &Throttling{Cgroups: []string{}, Read: len(now)}
	var throttled []cpuStat
	for dir, s := range now {
		if b := w.begun[dir]; b.inode == s.inode {
			s.times -= min(b.times, s.times)
			s.time -= min(b.time, s.time)
		}
		t.Times += s.times
		t.Time += s.time
		if s.times > 0 || s.time > 0 {
			throttled = append(throttled, s)
		}
	}
	slices.SortFunc(throttled, func(a, b cpuStat) int { return cmp.Or(cmp.Compare(b.time, a.time), cmp.Compare(a.name, b.name)) })
	for _, s := range throttled {
		t.Cgroups = append(t.Cgroups, s.name)
	}
	return t, nil
}

// again reads the cgroups a second time.
func (w *ThrottleWatch) again() (map[string]cpuStat, error) {
	if w.all {
		return w.walk()
	}
	now := make(map[string]cpuStat, len(w.begun))
	for dir, b := range w.begun {
		s, err := readCPUStat(b.cgroup)
		switch {
		case errors.Is(err, errNoThrottling), err == nil && s.inode != b.inode:
			return nil, fmt.Errorf("the cgroup %q was removed, or its CPU controller switched off, before its cpu.stat could be read again", b.name)
		case err != nil:
			return nil, err
		}
		now[dir] = s
	}
	return now, nil
}

// walk reads every cgroup that knows of throttling.
func (w *ThrottleWatch) walk() (map[string]cpuStat, error) {
	mounts, err := w.mounts()
	if err != nil {
		return nil, err
	}
	// A machine has the controller in one hierarchy, and if that is of version 1 it is mounted for it.
	m := mounts[0]
	found := make(map[string]cpuStat)
	seen := 0
	top := w.root + m.point
	err = filepath.WalkDir(top, func(dir string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && dir != top {
			return nil // it has gone meanwhile
		}
		if err != nil {
			return err
		}
		if !d.IsDir() {
			return nil
		}
		if seen++; seen > maxCgroups {
			return fmt.Errorf("there are more than %d cgroups", maxCgroups)
		}
		s, err := readCPUStat(cgroup{dir, path.Join(m.root, strings.TrimPrefix(dir, top))})
		switch {
		case errors.Is(err, errNoThrottling) && dir != top:
			return fs.SkipDir // a controller that is off is off below as well
		case errors.Is(err, errNoThrottling):
			return nil
		case err != nil:
			return err
		}
		found[dir] = s
		return nil
	})
	if err == nil && len(found) == 0 {
		err = errors.New("the CPU controller is on in no cgroup that can be seen")
	}
	return found, err
}

// cgroupsOf returns a process' cgroup in the hierarchy that has the CPU controller, and those above it as far as they are
// mounted. The process is gone if the error wraps fs.ErrNotExist or syscall.ESRCH.
func (w *ThrottleWatch) cgroupsOf(pid int) ([]cgroup, error) {
	file, err := os.ReadFile(w.root + "/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return nil, err
	}
	name, v1, err := cpuCgroup(string(file))
	if err != nil {
		return nil, err
	}
	mounts, err := w.mounts()
	if err != nil {
		return nil, errors.New(err.Error()) // another file is missing than the process'
	}
	for _, m := range mounts {
		below, ok := m.below(name)
		if m.v1 != v1 || !ok {
			continue
		}
		var groups []cgroup
		for {
			groups = append(groups, cgroup{w.root + path.Join(m.point, below), path.Join(m.root, below)})
			if below == "/" {
				return groups, nil
			}
			below = path.Dir(below)
		}
	}
	return nil, fmt.Errorf("the cgroup %q is not mounted here", name)
}

// cpuCgroup returns which cgroup a proc/PID/cgroup names for the CPU controller, and whether it is of version 1.
func cpuCgroup(file string) (name string, v1 bool, err error) {
	for line := range strings.Lines(file) {
		// hierarchy:controllers:path, and the path may have colons.
		part := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(part) != 3 {
			return "", false, fmt.Errorf("a line of proc/PID/cgroup is %q", line)
		}
		switch {
		case slices.Contains(strings.Split(part[1], ","), "cpu"):
			name, v1 = part[2], true
		case part[0] == "0" && part[1] == "" && !v1:
			name = part[2]
		}
	}
	switch {
	case name == "":
		return "", false, errors.New("in no cgroup that could have the CPU controller")
	case !path.IsAbs(name) || path.Clean(name) != name || name == "/.." || strings.HasPrefix(name, "/../"):
		// Such as /../x, from inside a cgroup namespace.
		return "", false, fmt.Errorf("the cgroup %q cannot be seen from here", name)
	}
	return name, v1, nil
}

// A cgroupMount is where a hierarchy that can have the CPU controller is mounted.
type cgroupMount struct {
	v1          bool
	root, point string // the cgroup that is mounted, and where
}

// below returns a cgroup's path below the mount.
func (m cgroupMount) below(name string) (string, bool) {
	if m.root == "/" {
		return name, true
	}
	rest, ok := strings.CutPrefix(name, m.root)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return path.Clean("/" + rest), true
}

// mounts returns those there are, version 1 first, and those first of which more can be seen.
func (w *ThrottleWatch) mounts() ([]cgroupMount, error) {
	file, err := os.ReadFile(w.root + "/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	list := cgroupMounts(string(file))
	if len(list) == 0 {
		return nil, errors.New("no cgroup file system that could have the CPU controller is mounted")
	}
	return list, nil
}

// cgroupMounts reads a proc/PID/mountinfo (proc_pid_mountinfo(5)). Lines it does not know it passes over.
func cgroupMounts(file string) []cgroupMount {
	var list []cgroupMount
	for line := range strings.Lines(file) {
		before, after, ok := strings.Cut(line, " - ")
		mount, what := strings.Fields(before), strings.Fields(after)
		if !ok || len(mount) < 5 || len(what) < 3 {
			continue
		}
		m := cgroupMount{root: unescape(mount[3]), point: unescape(mount[4])}
		switch what[0] {
		case "cgroup":
			m.v1 = true
			if !slices.Contains(strings.Split(what[2], ","), "cpu") {
				continue
			}
		case "cgroup2":
		default:
			continue
		}
		// A root as /.. lies outside the cgroup namespace: what is below it has no name here.
		if path.IsAbs(m.point) && path.IsAbs(m.root) && path.Clean(m.root) == m.root && !strings.HasPrefix(m.root, "/..") {
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b cgroupMount) int {
		if a.v1 != b.v1 {
			if a.v1 {
				return -1
			}
			return 1
		}
		return cmp.Compare(len(a.root), len(b.root))
	})
	return list
}

// unescape turns \040 and the like into what they stand for.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// readCPUStat reads a cgroup's cpu.stat. The error wraps errNoThrottling if there is none, or nothing of throttling in it.
func readCPUStat(g cgroup) (cpuStat, error) {
	s := cpuStat{cgroup: g}
	f, err := os.Open(filepath.Join(g.dir, "cpu.stat"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, errNoThrottling
	} else if err != nil {
		return s, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return s, err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = st.Ino
	}
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if errors.Is(err, syscall.ENODEV) { // removed since it was opened
		return s, errNoThrottling
	} else if err != nil {
		return s, err
	}
	if s.times, s.time, err = parseCPUStat(text); err != nil {
		return s, fmt.Errorf("cpu.stat of the cgroup %q: %w", g.name, err)
	}
	return s, nil
}

// parseCPUStat reads nr_throttled, and throttled_usec (version 2) or throttled_time (version 1, ns).
func parseCPUStat(text []byte) (times uint64, d time.Duration, err error) {
	var haveTimes, haveTime bool
	for in := bufio.NewScanner(bytes.NewReader(text)); in.Scan(); {
		key, value, _ := strings.Cut(in.Text(), " ")
		unit := uint64(time.Nanosecond)
		switch key {
		case "nr_throttled":
			if times, err = strconv.ParseUint(value, 10, 64); err != nil {
				return 0, 0, fmt.Errorf("%s: %w", key, err)
			}
			haveTimes = true
			continue
		case "throttled_usec":
			unit = uint64(time.Microsecond)
		case "throttled_time":
		default:
			continue
		}
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", key, err)
		}
		if n > math.MaxInt64/unit {
			return 0, 0, fmt.Errorf("%s: %d is no time", key, n)
		}
		d, haveTime = time.Duration(n*unit), true
	}
	switch {
	case !haveTimes:
		return 0, 0, errNoThrottling
	case !haveTime:
		return 0, 0, errors.New("nr_throttled without a time")
	}
	return times, d, nil
}
