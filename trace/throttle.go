package trace

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"switchyard/internal/proc"
	"switchyard/trace/event"
)

// ThrottleWatch compares what cgroups' cpu.stat says with what it said when the watch was made. It
// keeps no descriptor, so there is nothing to close. Its methods are for one goroutine at a time.
type ThrottleWatch struct {
	root  string // of the file system: "" outside tests
	all   bool
	begun map[string]proc.CPUStat // by directory
	err   error                   // why the result is not known
	// a process that was not there, which matters if there is no other
	gone error
}

// maxCgroups is how many cgroups of a machine are read at most. Each takes some 20 µs.
const maxCgroups = 4096

// WatchThrottling begins to watch the cgroups that processes are in now, and the cgroups above
// those, whose limits hold as well. A process that is in another cgroup later, such as a child that
// was moved there, is not watched. It needs no privilege, only to see the processes in /proc and
// the cgroup file system in its mounts (cgroups(7)). What is in the way is the error of Read.
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
	return &ThrottleWatch{root: root, begun: make(map[string]proc.CPUStat)}
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
		if _, ok := w.begun[g.Dir]; ok {
			known = true
			continue
		}
		s, err := proc.ReadCPUStat(g)
		switch {
		case err == nil:
			known = true
			w.begun[g.Dir] = s
		case !errors.Is(err, proc.ErrNoThrottling):
			w.fail(err)
		}
	}
	if !known {
		w.fail(fmt.Errorf("the CPU controller is on neither in the cgroup %q nor in one above it that can be seen",
			groups[0].Name))
	}
}

// addAll watches every cgroup that can be seen, those that come later included. What one that goes
// had of it is left out.
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

// Read returns what has happened since the cgroups were first watched. An error says why that is
// not known.
func (w *ThrottleWatch) Read() (*event.Throttling, error) {
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
	t := &event.Throttling{Cgroups: []string{}, Read: len(now)}
	var throttled []proc.CPUStat
	for dir, s := range now {
		if b := w.begun[dir]; b.Inode == s.Inode {
			s.Times -= min(b.Times, s.Times)
			s.Time -= min(b.Time, s.Time)
		}
		t.Times += s.Times
		t.Time += s.Time
		if s.Times > 0 || s.Time > 0 {
			throttled = append(throttled, s)
		}
	}
	slices.SortFunc(throttled, func(a, b proc.CPUStat) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.Name, b.Name))
	})
	for _, s := range throttled {
		t.Cgroups = append(t.Cgroups, s.Name)
	}
	return t, nil
}

// again reads the cgroups a second time.
func (w *ThrottleWatch) again() (map[string]proc.CPUStat, error) {
	if w.all {
		return w.walk()
	}
	now := make(map[string]proc.CPUStat, len(w.begun))
	for dir, b := range w.begun {
		s, err := proc.ReadCPUStat(b.Cgroup)
		switch {
		case errors.Is(err, proc.ErrNoThrottling), err == nil && s.Inode != b.Inode:
			return nil, fmt.Errorf("the cgroup %q was removed, or its CPU controller switched off, before its cpu.stat could be read again",
				b.Name)
		case err != nil:
			return nil, err
		}
		now[dir] = s
	}
	return now, nil
}

// walk reads every cgroup that knows of throttling.
func (w *ThrottleWatch) walk() (map[string]proc.CPUStat, error) {
	mounts, err := w.mounts()
	if err != nil {
		return nil, err
	}
	list := proc.CgroupMounts(mounts, "cpu")
	if len(list) == 0 {
		return nil, errors.New(
			"no cgroup file system that could have the controller cpu is mounted")
	}
	// A machine has the controller in one hierarchy, and if that is of version 1 it is mounted for
	// it.
	m := list[0]
	found := make(map[string]proc.CPUStat)
	seen := 0
	top := w.root + m.Point
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
		s, err := proc.ReadCPUStat(proc.Cgroup{Dir: dir,
			Name: path.Join(m.Root, strings.TrimPrefix(dir, top))})
		switch {
		case errors.Is(err, proc.ErrNoThrottling) && dir != top:
			return fs.SkipDir // a controller that is off is off below as well
		case errors.Is(err, proc.ErrNoThrottling):
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

// cgroupsOf returns a process' cgroup in the hierarchy that has the CPU controller, and those above
// it as far as they are mounted. The process is gone if the error wraps fs.ErrNotExist or
// syscall.ESRCH.
func (w *ThrottleWatch) cgroupsOf(pid int) ([]proc.Cgroup, error) {
	groups, err := os.ReadFile(w.root + "/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return nil, err
	}
	mounts, err := w.mounts()
	if err != nil {
		return nil, errors.New(err.Error()) // another file is missing than the process'
	}
	list, err := proc.Cgroups(string(groups), mounts, "cpu")
	for i := range list {
		list[i].Dir = w.root + list[i].Dir
	}
	return list, err
}

func (w *ThrottleWatch) mounts() (string, error) {
	file, err := os.ReadFile(w.root + "/proc/self/mountinfo")
	return string(file), err
}
