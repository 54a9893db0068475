package sys

import (
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSendFD(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if e := SendFD(pair[0], int(w.Fd())); e != 0 {
		t.Fatal(e)
	}
	fd, e := RawRecvFD(pair[1])
	if e != 0 || fd < 0 {
		t.Fatalf("received %d, %v", fd, e)
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil ||
		flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %#x, %v: want close-on-exec", flags, err)
	}
	if _, err := unix.Write(fd, []byte("x")); err != nil {
		t.Error(err)
	}
	unix.Close(fd)
	if n, err := r.Read(make([]byte, 2)); n != 1 || err != nil {
		t.Errorf("read %d, %v from what was passed", n, err)
	}
	// A byte without a descriptor, and the end.
	unix.Write(pair[0], []byte("x"))
	if fd, e := RawRecvFD(pair[1]); fd != -1 || e != 0 {
		t.Errorf("a message without a descriptor: %d, %v", fd, e)
	}
	unix.Close(pair[0])
	if fd, e := RawRecvFD(pair[1]); fd != -1 || e != syscall.EPIPE {
		t.Errorf("at the end: %d, %v", fd, e)
	}
	if e := SendFD(pair[1], 0); e != syscall.EPIPE {
		t.Errorf("sending to nobody: %v", e)
	}
}
