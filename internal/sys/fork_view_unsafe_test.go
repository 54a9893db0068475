package sys

import (
	"bytes"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestView(t *testing.T) {
	p, err := MapShared(64)
	if err != nil {
		t.Fatal(err)
	}
	defer Unmap(p)
	words := ViewSlice[uint32](p, 8, 14)
	words[13] = 0x01010101
	if !bytes.Equal(p[60:], []byte{1, 1, 1, 1}) {
		t.Errorf("the last bytes are %v", p[60:])
	}
	*View[uint32](p, 0) = 0x02020202
	if p[3] != 2 {
		t.Errorf("the first bytes are %v", p[:4])
	}
	for _, bad := range []struct{ offset, n int }{{8, 15}, {2, 1}, {-4, 1}, {0, -1}, {64, 1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d words at %d fit into 64 bytes", bad.n, bad.offset)
				}
			}()
			ViewSlice[uint32](p, bad.offset, bad.n)
		}()
	}
}

func TestProgramLayout(t *testing.T) {
	p, err := NewProgram("/bin/x", []string{"x", "007"}, []string{"A=b"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Free()
	copy(p.Arg(1), "042")
	for at, want := range map[uintptr]string{0: "x", 1: "042", 3: "A=b"} {
		// argv, its end, envp, its end.
		word := ViewSlice[uintptr](p.memory, 0, 5)[at]
		start := int(word - uintptr(unsafe.Pointer(unsafe.SliceData(p.memory))))
		if got, _, _ := bytes.Cut(p.memory[start:], []byte{0}); string(got) != want {
			t.Errorf("pointer %d leads to %q, want %q", at, got, want)
		}
	}
	words := ViewSlice[uintptr](p.memory, 0, 5)
	if words[2] != 0 || words[4] != 0 {
		t.Error("a list has no end")
	}
	if e := (&Program{path: 0}).RawExec(); e != syscall.EFAULT {
		t.Errorf("executing nothing: %v", e)
	}
}

func TestCloseRange(t *testing.T) {
	fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 900)
	if err != nil {
		t.Skip("descriptor 900 is beyond the limit: ", err)
	}
	RawCloseRange(fd+1, fd) // empty
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		t.Errorf("an empty range: %v", err)
	}
	RawCloseRange(fd, fd)
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
		t.Errorf("after closing: %v", err)
	}
}

func TestRecvTimeout(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	for _, ns := range []int64{1, 30e6} {
		if e := RawRecvTimeout(pair[0], ns); e != 0 {
			t.Fatal(e)
		}
		start := RawMonotonic()
		if _, e := ReadOnce(pair[0], make([]byte, 1)); e != syscall.EAGAIN {
			t.Errorf("reading with a timeout of %v: %v", time.Duration(ns), e)
		}
		if took := RawMonotonic() - start; took < ns {
			t.Errorf("a timeout of %v was over after %v", time.Duration(ns), time.Duration(took))
		}
	}
}
