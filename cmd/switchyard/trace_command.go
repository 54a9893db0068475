package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"switchyard/internal/sys"

	"golang.org/x/sys/unix"
)

// A command is a program to be traced, from its first instruction on. It is in the tracer's own
// process group, as one that a shell had started beside it: what is typed at a terminal (Ctrl-C,
// Ctrl-Z) reaches both, and it may read from there. Its thread must stay locked to the goroutine
// that started it, until it has ended: ptrace(2) and the signal at our death (PR_SET_PDEATHSIG) go
// by threads.
type command struct {
	cmd      *exec.Cmd
	orphans  orphans
	running  bool          // it was let go
	outlived bool          // it had not ended when the window was closed, and no signal closed that
	done     bool          // end was called
	exited   chan struct{} // closed when it has ended
	err      error         // of Wait; read after exited is closed
}

// startCommand starts it and has it wait before its first instruction: exec(2) stops a process that
// asked to be traced by its parent.
func startCommand(args []string) (*command, error) {
	// What its processes leave behind is then found below this one, and not below init.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, os.NewSyscallError("prctl(PR_SET_CHILD_SUBREAPER)", err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
	// Standard output is for the result alone.
	cmd.Stdout = os.Stderr
	cmd.SysProcAttr = &unix.SysProcAttr{Ptrace: true, Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		var no *exec.Error
		if errors.As(err, &no) {
			return nil, fmt.Errorf("%s: %w", no.Name, no.Err)
		}
		return nil, err
	}
	c := &command{cmd: cmd, exited: make(chan struct{})}
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(c.pid(), &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || !status.Stopped() {
			c.kill()
			return nil, fmt.Errorf("%s: it did not stop at its first instruction: %v", args[0], err)
		}
		return c, nil
	}
}

func (c *command) pid() int { return c.cmd.Process.Pid }

// run lets it go.
func (c *command) run() error {
	if err := unix.PtraceDetach(c.pid()); err != nil {
		return os.NewSyscallError("ptrace", err)
	}
	c.running = true
	c.orphans.except(c.pid(), c.exited)
	sys.Thread("sy-wait", func() {
		c.err = c.cmd.Wait()
		close(c.exited)
	})
	c.orphans.reap()
	return nil
}

// ended reports whether it has ended.
func (c *command) ended() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

// status is its exit code as a shell has it, 128 and the signal's number if one killed it. It must
// have ended.
func (c *command) status() exitStatus {
	var exit *exec.ExitError
	if !errors.As(c.err, &exit) {
		return exitDone
	}
	if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return exitStatus(128 + int(w.Signal()))
	}
	return exitStatus(exit.ExitCode())
}

// endGrace is how long a process has to end after it was asked to, before it is killed.
const endGrace = 2 * time.Second

// end sees that the command ends, with all its processes in this process group, if the window was
// closed before it ended: then the status is 0, whatever they end with. Otherwise it is the
// command's own, and what that left running is left alone, as shells do. The warnings are for
// whoever reads the result. A nil command has ended well.
//
// When a signal closed the window, a command at the same terminal may have had it too, and has some
// time to end by itself. It has none after one more signal.
func (c *command) end(e *ending) (status exitStatus, warnings []string) {
	switch {
	case c == nil || c.done:
		return exitDone, nil
	case !c.running:
		c.kill()
		return exitDone, nil
	}
	c.done = true
	if !c.outlived && !c.ended() && foreground() {
		select {
		case <-c.exited:
		case <-e.hurried.Done():
		case <-time.After(endGrace):
		}
	}
	if c.outlived || !c.ended() {
		if err := endGroup(endGrace); err != nil {
			warnings = append(warnings, warning(err))
		}
		return exitDone, warnings
	}
	if c.err != nil {
		warnings = append(warnings, fmt.Sprintf("The command failed: %v.", c.err))
	}
	return c.status(), warnings
}

// kill ends it before it was let go.
func (c *command) kill() {
	c.done = true
	c.cmd.Process.Kill()
	c.cmd.Wait()
}

// foreground reports whether signals typed at the terminal reach this process.
func foreground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// gone waits until all the processes have ended, or stop is closed.
func gone(pids []int, stop <-chan struct{}) <-chan struct{} {
	done := make(chan struct{})
	var fds []unix.PollFd
	for _, pid := range pids {
		// Since 5.3. One that is not there any more is gone.
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
	}
	go func() {
		defer close(done)
		for len(fds) > 0 {
			select {
			case <-stop:
				for _, p := range fds {
					unix.Close(int(p.Fd))
				}
				return
			default:
			}
			unix.Poll(fds, 100)
			left := fds[:0]
			for _, p := range fds {
				if p.Revents != 0 {
					unix.Close(int(p.Fd))
					continue
				}
				left = append(left, p)
			}
			fds = left
		}
	}()
	return done
}

// onThread runs f on one thread of its own, which dies with it.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
}
