package poll

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/proc"
	"switchyard/internal/sys"
)

func init() {
	d := design{
		name:     "poll/io_uring",
		blocking: true,
		runner:   func(b *base) runner { return newUringLoop(b, uringDefaults) },
	}
	switchyard.Register(switchyard.Model{
		Name:      d.name,
		Doc:       "one loop on completions of io_uring: multishot accept and receive into provided buffers, sends in batches",
		Syscalls:  []string{"io_uring_enter", "io_uring_setup", "io_uring_register"},
		Probes:    probes,
		Available: haveUring,
		New:       func(o switchyard.Options) (switchyard.Server, error) { return newServer(d, o) },
	})
}

// haveUring asks the kernel, by doing it once, for all that the design needs: rings, a ring of
// provided buffers (Linux 5.19) and a multishot receive (Linux 6.0; the multishot accept is older).
func haveUring() error {
	err := tryUring()
	if err == nil {
		return nil
	}
	setting, _ := proc.Here.Text("/proc/sys/kernel/io_uring_disabled")
	return explainUring(err, setting)
}

// explainUring turns what failed into a reason and a remedy. setting is the value of
// kernel.io_uring_disabled (Linux 6.6), empty where there is none.
func explainUring(err error, setting string) error {
	because := func(why string) error {
		return fmt.Errorf("%w (%s): %w", err, why, errors.ErrUnsupported)
	}
	switch {
	case errors.Is(err, syscall.EPERM) && setting == "2":
		return because("kernel.io_uring_disabled is 2, which forbids io_uring to everyone; consider: sudo sysctl kernel.io_uring_disabled=0")
	case errors.Is(err, syscall.EPERM) && setting == "1":
		return because("kernel.io_uring_disabled is 1, which allows io_uring to CAP_SYS_ADMIN and the group kernel.io_uring_group; consider: sudo sysctl kernel.io_uring_disabled=0")
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		return because("a seccomp filter or security module forbids io_uring, as container runtimes do; consider: docker run --security-opt seccomp=unconfined")
	case errors.Is(err, syscall.ENOSYS):
		return because("this kernel is built without io_uring, or a seccomp filter hides it; it needs CONFIG_IO_URING, Linux 6.0")
	case errors.Is(err, syscall.ENOMEM):
		return because("the rings do not fit RLIMIT_MEMLOCK; consider: ulimit -l unlimited")
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return because("no descriptor is free; consider: ulimit -n 20000")
	case errors.Is(err, syscall.EINVAL), errors.Is(err, errors.ErrUnsupported):
		return because("this kernel's io_uring is too old: multishot receive into provided buffers came with Linux 6.0")
	}
	return because("io_uring does not work here")
}

// tryUring receives one byte the way the design does.
func tryUring() error {
	runtime.LockOSThread() // the ring belongs to one thread
	defer runtime.UnlockOSThread()
	r, err := sys.NewUring(4, 8)
	if err != nil {
		return err
	}
	defer r.Close()
	b, err := sys.NewUringBuffers(r, 0, 2, 64)
	if err != nil {
		return err
	}
	defer b.Close()
	b.Give(0)
	b.Give(1)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	defer sys.RawClose(pair[0])
	armReceive(r.SQE(), int32(pair[0]), 0)
	if e := r.Submit(); e != 0 {
		sys.RawClose(pair[1])
		return os.NewSyscallError("io_uring_enter", e)
	}
	sys.RawWrite(pair[1], []byte{1})
	sys.RawClose(pair[1])
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		if e := r.Wait(sys.LetGo, int64(time.Second)); e != 0 && e != syscall.EINTR {
			return os.NewSyscallError("io_uring_enter", e)
		}
		if c, ok := r.CQE(); ok {
			switch {
			case c.Res < 0:
				return fmt.Errorf("multishot receive: %w", syscall.Errno(-c.Res))
			case c.Res != 1 || c.Flags&sys.UringCQEBuffer == 0 || c.Flags&sys.UringCQEMore == 0:
				return fmt.Errorf("multishot receive: result %d, flags %#x: %w", c.Res, c.Flags,
					errors.ErrUnsupported)
			}
			return nil
		}
	}
	return fmt.Errorf("multishot receive: nothing completed: %w", errors.ErrUnsupported)
}

// armReceive asks for all that fd receives, each time in a buffer of group 0.
func armReceive(s *sys.UringSQE, fd int32, userData uint64) {
	s.Opcode = sys.UringRecv
	s.Flags = sys.UringSQEBufferSelect
	s.Ioprio = sys.UringRecvMultishot
	s.FD = fd
	s.UserData = userData
}
