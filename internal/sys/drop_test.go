package sys

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDropCapabilities drops them in a process of its own, and looks at every thread and at a
// program started afterwards.
func TestDropCapabilities(t *testing.T) {
	if os.Getenv("SWITCHYARD_TEST_DROP") != "" {
		for range 4 { // threads beside the one that drops
			go func() { runtime.LockOSThread(); select {} }()
		}
		before := effective(t, "/proc/self/status")
		if err := DropCapabilities(unix.CAP_BPF); err != nil {
			if errors.Is(err, errors.ErrUnsupported) {
				fmt.Println("cgo")
				return
			}
			t.Fatal(err)
		}
		want := before & (1 << unix.CAP_BPF)
		tasks, _ := filepath.Glob("/proc/self/task/*/status")
		if len(tasks) < 4 {
			t.Errorf("%d threads", len(tasks))
		}
		for _, task := range tasks {
			if got := effective(t, task); got != want {
				t.Errorf("%s has %#x, want %#x", task, got, want)
			}
		}
		out, err := exec.Command("cat", "/proc/self/status").Output()
		if err != nil || !strings.Contains(string(out), "CapEff:\t0000000000000000") {
			t.Errorf("a program started afterwards: %v\n%s", err, out)
		}
		fmt.Println("dropped")
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestDropCapabilities$", "-test.v")
	cmd.Env = append(os.Environ(), "SWITCHYARD_TEST_DROP=1")
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	case strings.Contains(string(out), "cgo"):
		t.Skip("this test program was built with cgo")
	case !strings.Contains(string(out), "dropped"):
		t.Errorf("it did not run:\n%s", out)
	}
}

func effective(t *testing.T, path string) (caps uint64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if hex, ok := strings.CutPrefix(line, "CapEff:"); ok {
			if _, err := fmt.Sscanf(hex, "%x", &caps); err != nil {
				t.Fatal(err)
			}
		}
	}
	return caps
}
