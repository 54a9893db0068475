package proc

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLeader(t *testing.T) {
	tid := make(chan int)
	end := make(chan struct{})
	defer close(end)
	go func() {
		runtime.LockOSThread()
		name := append([]byte("sy: a\tb"), 0)
		if err := os.WriteFile("/proc/thread-self/comm", name[:7], 0); err != nil {
			t.Error(err)
		}
		tid <- unix.Gettid()
		<-end
	}()
	thread := <-tid
	pid, name, err := Leader(thread)
	// The kernel escapes what would break the file's lines, a tab not.
	if pid != os.Getpid() || name != "sy: a\tb" || err != nil {
		t.Errorf("thread %d: process %d, name %q, %v; want %d", thread, pid, name, err, os.Getpid())
	}
	if pid, _, err := Leader(os.Getpid()); pid != os.Getpid() || err != nil {
		t.Errorf("a process: %d, %v", pid, err)
	}
	if _, _, err := Leader(1<<22 - 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nobody: %v", err)
	}
}
