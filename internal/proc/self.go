package proc

import (
	"bufio"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// RunDelay returns how long the calling thread was runnable without a CPU since it began
// (/proc/thread-self/schedstat; a kernel with CONFIG_SCHED_INFO).
func (f Files) RunDelay() (time.Duration, error) {
	text, err := f.Text("/proc/thread-self/schedstat")
	if err != nil {
		return 0, err
	}
	if fields := strings.Fields(text); len(fields) > 1 {
		if ns, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
			return time.Duration(ns), nil
		}
	}
	return 0, fmt.Errorf("/proc/thread-self/schedstat: %q has no delay", text)
}

// OpenFiles returns how many descriptors this process has open, the one that is needed to tell
// included.
func (f Files) OpenFiles() (int, error) {
	list, err := fs.ReadDir(f.FS, "proc/self/fd")
	return len(list), err
}

// Symbols returns what the kernel calls the functions of that name, to which the compiler may have
// given suffixes, as in name.isra.0 (/proc/kallsyms; names need no privilege). Parts that it moved
// out of the way (name.cold) are left out. It is an error if there is none.
func (f Files) Symbols(name string) (list []string, err error) {
	file, err := f.Open("proc/kallsyms")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && (fields[2] == name || strings.HasPrefix(fields[2], name+".")) &&
			!strings.HasSuffix(fields[2], ".cold") {
			list = append(list, fields[2])
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no function %s in /proc/kallsyms", name)
	}
	return list, nil
}
