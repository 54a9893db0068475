package testenv

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long what is on its way out may take: the kernel ends a thread after the function
// that ran on it.
const patience = 3 * time.Second

// A Snapshot is what this process owned at a moment.
type Snapshot struct {
	fds        map[string]bool // number and what it is
	children   map[string]bool // PID and name
	threads    map[string]bool // TID and name, of those named sy-…
	goroutines map[string]bool // ID and where it was made
}

// Take looks at what this process owns now.
func Take() Snapshot {
	runtimeDescriptors()
	return Snapshot{fds: descriptors(), children: children(), threads: named(),
		goroutines: goroutines()}
}

// Check fails the test when at its end the process owns a descriptor, a child, a named thread or a
// goroutine that it did not own when Check was called. Tests that run in parallel must not use it.
func Check(t testing.TB) {
	t.Helper()
	before := Take()
	t.Cleanup(func() {
		for _, what := range before.left(patience) {
			t.Errorf("left behind: %s", what)
		}
	})
}

// left lists what is owned now and was not before, after it has had some time to go.
func (s Snapshot) left(wait time.Duration) []string {
	for deadline, pause := time.Now().Add(wait), time.Millisecond; ; pause = min(2*pause,
		50*time.Millisecond) {
		var list []string
		for _, kind := range []struct {
			name        string
			before, now map[string]bool
		}{
			{"descriptor", s.fds, descriptors()},
			{"child process", s.children, children()},
			{"thread", s.threads, named()},
			{"goroutine", s.goroutines, goroutines()},
		} {
			for _, what := range slices.Sorted(maps.Keys(kind.now)) {
				if !kind.before[what] {
					list = append(list, kind.name+" "+what)
				}
			}
		}
		if len(list) == 0 || time.Now().After(deadline) {
			return list
		}
		time.Sleep(pause)
	}
}

// runtimeDescriptors has the Go runtime make those it keeps for good: its epoll and its eventfd.
var runtimeDescriptors = sync.OnceFunc(func() {
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
})

func descriptors() map[string]bool {
	set := map[string]bool{}
	names, _ := filepath.Glob("/proc/self/fd/*")
	for _, name := range names {
		// The descriptor of the listing itself is gone by now.
		if what, err := os.Readlink(name); err == nil {
			set[fmt.Sprintf("%s (%s)", filepath.Base(name), what)] = true
		}
	}
	return set
}

// children lists the processes, zombies too, whose parent is this one (proc_pid_stat(5)).
func children() map[string]bool {
	set := map[string]bool{}
	self := strconv.Itoa(os.Getpid())
	dirs, _ := os.ReadDir("/proc")
	for _, dir := range dirs {
		if c := dir.Name()[0]; c < '0' || c > '9' {
			continue
		}
		stat, err := os.ReadFile("/proc/" + dir.Name() + "/stat")
		if err != nil {
			continue
		}
		// The name is in parentheses and may hold any of them.
		head, tail, _ := cutLast(string(stat), ")")
		fields := strings.Fields(tail)
		if len(fields) < 2 || fields[1] != self {
			continue
		}
		_, name, _ := strings.Cut(head, "(")
		set[fmt.Sprintf("%s (%s, state %s)", dir.Name(), name, fields[0])] = true
	}
	return set
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// named lists the threads of this process that carry a role's name.
func named() map[string]bool {
	set := map[string]bool{}
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		comm, err := os.ReadFile("/proc/self/task/" + task.Name() + "/comm")
		if name := strings.TrimSpace(string(comm)); err == nil && strings.HasPrefix(name, "sy-") {
			set[fmt.Sprintf("%s (%s)", task.Name(), name)] = true
		}
	}
	return set
}

// goroutines lists those that run a function of a go statement, by ID and where that stands. The
// one that signal.Notify starts is kept for good.
func goroutines() map[string]bool {
	stacks := make([]byte, 1<<16)
	for {
		n := runtime.Stack(stacks, true)
		if n < len(stacks) {
			stacks = stacks[:n]
			break
		}
		stacks = make([]byte, 2*len(stacks))
	}
	set := map[string]bool{}
	for g := range strings.SplitSeq(string(stacks), "\n\n") {
		head, _, _ := strings.Cut(strings.TrimPrefix(g, "goroutine "), " [")
		_, made, ok := strings.Cut(g, "\ncreated by ")
		if !ok || strings.HasPrefix(made, "os/signal.") {
			continue
		}
		// "package.function in goroutine 1\n\tfile:line +offset"
		made, where, _ := strings.Cut(made, "\n\t")
		made, _, _ = strings.Cut(made, " in goroutine ")
		where, _, _ = strings.Cut(where, " ")
		set[fmt.Sprintf("%s, made by %s at %s", head, made, where)] = true
	}
	return set
}

// Children lists the PIDs of this process' children.
func Children() []int {
	var pids []int
	for what := range children() {
		number, _, _ := strings.Cut(what, " ")
		if pid, err := strconv.Atoi(number); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// Threads lists the names of this process' threads that carry a role's name, sorted.
func Threads() []string {
	var names []string
	for what := range named() {
		_, name, _ := strings.Cut(what, " ")
		names = append(names, strings.Trim(name, "()"))
	}
	slices.Sort(names)
	return names
}
