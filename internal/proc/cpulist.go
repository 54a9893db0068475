package proc

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CPUList is a set of CPUs in ascending order.
type CPUList []int

// maxCPUs is more than any kernel has; a list that names so many names some of them twice.
const maxCPUs = 1 << 16

// ParseCPUList reads the kernel's list format, "0-3,8" (cpuset(7)).
func ParseCPUList(s string) (CPUList, error) {
	bad := func() (CPUList, error) {
		return nil, fmt.Errorf("CPU list %q: want numbers and ranges, such as 0-3,8", s)
	}
	var list CPUList
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		a, err := strconv.ParseUint(first, 10, 16)
		b := a
		if err == nil && isRange {
			b, err = strconv.ParseUint(last, 10, 16)
		}
		if err != nil || b < a || len(list) > maxCPUs {
			return bad()
		}
		for n := a; n <= b; n++ {
			list = append(list, int(n))
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// String is the list as ParseCPUList reads it.
func (l CPUList) String() string {
	var b strings.Builder
	for i := 0; i < len(l); {
		j := i
		for j+1 < len(l) && l[j+1] == l[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(l[i]))
		if j > i {
			fmt.Fprintf(&b, "-%d", l[j])
		}
		i = j + 1
	}
	return b.String()
}

// Set is the list as sched_setaffinity(2) takes it.
func (l CPUList) Set() *unix.CPUSet {
	var set unix.CPUSet
	for _, n := range l {
		set.Set(n)
	}
	return &set
}

// Allowed are the CPUs the calling thread may run on (sched_getaffinity(2)).
func Allowed() (CPUList, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, err
	}
	var list CPUList
	for n := range len(set) * 64 {
		if set.IsSet(n) {
			list = append(list, n)
		}
	}
	return list, nil
}

// Online are the CPUs the machine has in use (cpuset(7) calls them online), whether this process
// may run on them or not.
func (f Files) Online() (CPUList, error) {
	text, err := f.Text("/sys/devices/system/cpu/online")
	if err != nil {
		return nil, err
	}
	return ParseCPUList(text)
}

// Halves divides a list in two, the first half for the server and the second for the load. With a
// single CPU both share it.
func (l CPUList) Halves() (first, second CPUList) {
	if len(l) < 2 {
		return l, l
	}
	return l[:len(l)/2], l[len(l)/2:]
}

// Without lists what of l is not in m.
func (l CPUList) Without(m CPUList) CPUList {
	var rest CPUList
	for _, n := range l {
		if !slices.Contains(m, n) {
			rest = append(rest, n)
		}
	}
	return rest
}
