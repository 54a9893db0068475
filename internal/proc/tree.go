package proc

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Tree lists pid and all its living descendants (proc_pid_stat(5), field 4), pid first. A process
// that comes or goes meanwhile may be missed. Zombies are left out: they hold neither memory nor,
// soon, a number.
func Tree(pid int) ([]int, error) {
	return tree(pid, func(state byte) bool { return state != 'Z' && state != 'X' })
}

// TreeWithZombies is Tree with those that have ended and not been waited for: they still have their
// CPU time.
func TreeWithZombies(pid int) ([]int, error) {
	return tree(pid, func(state byte) bool { return state != 'X' })
}

func tree(pid int, wanted func(state byte) bool) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	found := false
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		state, parent, ok := stat(id)
		if !ok || !wanted(state) {
			continue
		}
		found = found || id == pid
		children[parent] = append(children[parent], id)
	}
	if !found {
		return nil, fmt.Errorf("process %d: %w", pid, os.ErrProcessDone)
	}
	tree := []int{pid}
	for i := 0; i < len(tree); i++ {
		slices.Sort(children[tree[i]])
		tree = append(tree, children[tree[i]]...)
	}
	return tree, nil
}

// stat is the state and the parent of a process. The name in the second field may hold anything, so
// the fields after its last parenthesis are read.
func stat(pid int) (state byte, parent int, ok bool) {
	p, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, false
	}
	i := bytes.LastIndexByte(p, ')')
	f := strings.Fields(string(p[i+1:]))
	if i < 0 || len(f) < 2 {
		return 0, 0, false
	}
	parent, err = strconv.Atoi(f[1])
	return f[0][0], parent, err == nil
}

// PSS sums the proportional set sizes of processes, in bytes: a page that k processes map counts
// 1/k (proc_pid_smaps(5), smaps_rollup, since Linux 4.14). Reading another user's process needs
// CAP_SYS_PTRACE. Page tables and kernel stacks are not part of it.
func PSS(pids []int) (int64, error) {
	var sum int64
	for _, pid := range pids {
		p, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
		if err != nil {
			if _, _, alive := stat(pid); !alive {
				continue
			}
			return 0, fmt.Errorf("read the PSS of process %d: %w", pid, err)
		}
		kib, ok := field(p, "Pss:")
		if !ok {
			continue // it ended while it was read
		}
		sum += kib << 10
	}
	return sum, nil
}

// field is the number behind a line's key.
func field(p []byte, key string) (int64, bool) {
	for line := range strings.Lines(string(p)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			f := strings.Fields(rest)
			if len(f) == 0 {
				return 0, false
			}
			n, err := strconv.ParseInt(f[0], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
