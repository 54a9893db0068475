package fork

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

func init() {
	switchyard.Register(switchyard.Model{
		Name: "fork/exec",
		Doc:  "fork and exec for each connection, the socket passed as descriptor 0 (inetd)",
		Syscalls: []string{"execve", "clone", "accept4", "dup3", "read", "sendto", "exit_group",
			"wait4", "waitid"},
		Probes:    probes,
		Isolated:  true,
		Available: haveExec,
		Program:   programOfExec,
		New:       newExec,
	})
}

// programOfExec says what is started for a connection.
func programOfExec() string {
	p := findExecProgram()
	defer p.close()
	if p.why != nil {
		return fmt.Sprintf("%s (%v)", p.name, p.why)
	}
	return p.name
}

// childCalled is set once the program has called Child.
var childCalled atomic.Bool

func haveExec() error {
	if err := have(); err != nil {
		return err
	}
	if !childCalled.Load() {
		return fmt.Errorf("this program did not call fork.Child first thing in main, so a copy of it would not serve: %w",
			errors.ErrUnsupported)
	}
	if _, err := os.Readlink(self); err != nil {
		return fmt.Errorf("no %s to execute (mount /proc): %w", self, errors.ErrUnsupported)
	}
	return nil
}

// execName is what a program that was started for a connection finds as its own name. Its arguments
// are the descriptor of the server's board, the number of slots there, and its own slot.
const execName = "sy-exec"

// newExec makes the server. The board is a file in memory, so that it can be mapped again after the
// exec, and the children get it as a descriptor.
func newExec(opts switchyard.Options) (switchyard.Server, error) {
	file := -1
	found := execProgram{fd: -1}
	var program *sys.Program
	s, err := newConnections(opts, func(s *server, slot int) syscall.Errno {
		s.template.program, s.template.lock = program, file
		copy(program.Arg(3), slotDigits(slot))
		return s.make(slot, (*worker).exec)
	})
	if err != nil {
		return nil, err
	}
	s.start = func(s *server) (err error) {
		if file, err = newFile("sy-board", regionSize(s.slots)); err != nil {
			return err
		}
		memory, err := sys.MapFile(file, regionSize(s.slots))
		if err != nil {
			return err
		}
		s.memory = newRegion(memory, s.slots)
		found = findExecProgram()
		program, err = sys.NewProgram(found.path,
			[]string{execName, strconv.Itoa(file), strconv.Itoa(s.slots), slotDigits(0)}, execEnv)
		return err
	}
	s.stop = func(s *server) {
		if file >= 0 {
			unix.Close(file)
		}
		if program != nil {
			program.Free()
		}
		found.close()
	}
	return s, nil
}

// newFile makes a file of so many zero bytes in memory (memfd_create(2)). Its descriptor is none of
// the standard three, even where those are closed.
func newFile(name string, size int) (int, error) {
	low, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	defer unix.Close(low)
	if err := unix.Ftruncate(low, int64(size)); err != nil {
		return -1, os.NewSyscallError("ftruncate", err)
	}
	fd, err := unix.FcntlInt(uintptr(low), unix.F_DUPFD_CLOEXEC, 3)
	return fd, os.NewSyscallError("fcntl", err)
}

// slotDigits is a slot's number at a fixed length.
func slotDigits(i int) string { return fmt.Sprintf("%010d", i) }

// exec forks a child that becomes a fresh program with the connection as
// descriptor 0. Close on exec does the rest.
//
//go:nosplit
//go:norace
func (w *worker) exec() (int, syscall.Errno) {
	pid, e := sys.Fork()
	if pid == 0 && e == 0 {
		sys.RawDieWithParent(w.parent)
		if w.fd != 0 {
			sys.RawDup3(w.fd, 0, 0)
		} else {
			sys.RawKeepOnExec(0)
		}
		sys.RawKeepOnExec(w.lock)
		w.program.RawExec()
		sys.RawExit(exitBroken)
	}
	return pid, e
}
