package sys

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRoomForFiles leaves a process of its own room for two descriptors.
func TestRoomForFiles(t *testing.T) {
	if os.Getenv("SWITCHYARD_TEST_FEW_FILES") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRoomForFiles$")
		cmd.Env = append(os.Environ(), "SWITCHYARD_TEST_FEW_FILES=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	free, err := unix.Eventfd(0, unix.EFD_CLOEXEC) // the lowest number that is free
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(free)
	leave := func(n int) {
		limit := unix.Rlimit{Cur: uint64(free + n), Max: uint64(free + n)}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	leave(2)
	for range 2 { // what it opens it closes
		if err := RoomForFiles(2); err != nil {
			t.Error(err)
		}
	}
	if err := RoomForFiles(3); !errors.Is(err, unix.EMFILE) {
		t.Errorf("room for 3: %v, want EMFILE", err)
	}
	if err := StartPoller(); err != nil {
		t.Error(err)
	}
	leave(0)
	if err := StartPoller(); err != nil {
		t.Errorf("once more: %v", err)
	}
}
