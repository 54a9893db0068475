package proc

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Cgroup is a control group (cgroups(7)).
type Cgroup struct {
	Dir  string // where its files are
	Name string // what proc/PID/cgroup calls it; chosen by who made it: data
}

// Cgroups lists a process' control group in the hierarchy that has a controller, and then those
// above it as far as they are mounted, since what holds for them holds for it as well. It is given
// the texts of the process' proc/PID/cgroup and of proc/self/mountinfo. Where version 1 has the
// controller, version 2 has not.
func Cgroups(groups, mountinfo, controller string) ([]Cgroup, error) {
	name, v1, err := cgroupName(groups, controller)
	if err != nil {
		return nil, err
	}
	mounts := CgroupMounts(mountinfo, controller)
	if len(mounts) == 0 {
		return nil, fmt.Errorf("no cgroup file system that could have the controller %s is mounted",
			controller)
	}
	for _, m := range mounts {
		below, ok := m.below(name)
		if m.V1 != v1 || !ok {
			continue
		}
		var list []Cgroup
		for {
			list = append(list, Cgroup{path.Join(m.Point, below), path.Join(m.Root, below)})
			if below == "/" {
				return list, nil
			}
			below = path.Dir(below)
		}
	}
	return nil, fmt.Errorf("the cgroup %q is not mounted here", name)
}

// cgroupName returns which control group a proc/PID/cgroup names for a controller, and whether it
// is of version 1.
func cgroupName(groups, controller string) (name string, v1 bool, err error) {
	for line := range strings.Lines(groups) {
		// hierarchy:controllers:path, and the path may have colons.
		part := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(part) != 3 {
			return "", false, fmt.Errorf("a line of proc/PID/cgroup is %q", line)
		}
		switch {
		case hasWord(part[1], controller):
			name, v1 = part[2], true
		case part[0] == "0" && part[1] == "" && !v1:
			name = part[2]
		}
	}
	switch {
	case name == "":
		return "", false, errors.New("in no cgroup that could have the controller " + controller)
	case !path.IsAbs(name) || path.Clean(name) != name || name == "/.." || strings.HasPrefix(name,
		"/../"):
		// Such as /../x, from inside a cgroup namespace.
		return "", false, fmt.Errorf("the cgroup %q cannot be seen from here", name)
	}
	return name, v1, nil
}

// A CgroupMount is where a hierarchy of control groups is mounted.
type CgroupMount struct {
	V1    bool
	Root  string // the control group that is mounted, inside a container often not the first
	Point string // where
}

// CgroupMounts lists those that can have a controller, version 1 first, and those first of which
// more can be seen. It is given the text of a proc/PID/mountinfo (proc_pid_mountinfo(5)); lines it
// does not know it passes over.
func CgroupMounts(mountinfo, controller string) []CgroupMount {
	var list []CgroupMount
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(line, " - ")
		mount, what := strings.Fields(before), strings.Fields(after)
		if !ok || len(mount) < 5 || len(what) < 3 {
			continue
		}
		m := CgroupMount{Root: unescape(mount[3]), Point: unescape(mount[4])}
		switch what[0] {
		case "cgroup":
			m.V1 = true
			if !hasWord(what[2], controller) {
				continue
			}
		case "cgroup2":
		default:
			continue
		}
		// A root as /.. lies outside the cgroup namespace: what is below it has no name here.
		if path.IsAbs(m.Point) && path.IsAbs(m.Root) && path.Clean(m.Root) == m.Root &&
			!strings.HasPrefix(m.Root, "/..") {
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b CgroupMount) int {
		if a.V1 != b.V1 {
			if a.V1 {
				return -1
			}
			return 1
		}
		return cmp.Compare(len(a.Root), len(b.Root))
	})
	return list
}

// below is a control group's path from the mount on.
func (m CgroupMount) below(name string) (string, bool) {
	if m.Root == "/" {
		return name, true
	}
	rest, ok := strings.CutPrefix(name, m.Root)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return path.Clean("/" + rest), true
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

// hasWord reports whether word is one of a list with commas.
func hasWord(list, word string) bool {
	return slices.Contains(strings.Split(list, ","), word)
}
