// Package command runs a program that is to be looked at from its first instruction on, and ends it
// with what it started.
package command

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// A Command is a program to be traced, from its first instruction on. It is in the tracer's own
// process group, as one that a shell had started beside it: what is typed at a terminal (Ctrl-C,
// Ctrl-Z) reaches both, and it may read from there. Its thread must stay locked to the goroutine
// that started it, until it has ended: ptrace(2) and the signal at our death (PR_SET_PDEATHSIG) go
// by threads.
type Command struct {
	cmd      *exec.Cmd
	orphans  orphans
	running  bool          // it was let go
	outlived bool          // Outlived was called when it had not ended
	done     bool          // End was called
	exited   chan struct{} // closed when it has ended
	err      error         // of Wait; read after exited is closed
}

// Start starts a program and has it wait before its first instruction: exec(2) stops a process that
// asked to be traced by its parent. The calling goroutine must be locked to its thread. From then
// on this process is the parent of what its children leave behind (PR_SET_CHILD_SUBREAPER). The
// program's standard output is this one's standard error. What cannot be run is a *NotStarted.
func Start(args []string) (*Command, error) {
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
		return nil, notStarted(args[0], err)
	}
	c := &Command{cmd: cmd, exited: make(chan struct{})}
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(c.PID(), &status, 0, nil)
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

// PID is the number of its process.
func (c *Command) PID() int { return c.cmd.Process.Pid }

// Run lets it go.
func (c *Command) Run() error {
	if err := unix.PtraceDetach(c.PID()); err != nil {
		return os.NewSyscallError("ptrace", err)
	}
	c.running = true
	c.orphans.except(c.PID(), c.exited)
	sys.Thread("sy-wait", func() {
		c.err = c.cmd.Wait()
		close(c.exited)
	})
	c.orphans.reap()
	return nil
}

// Exited is closed when it has ended.
func (c *Command) Exited() <-chan struct{} { return c.exited }

// Beside starts, by f, a process that others wait for, and that is told of by closing waited. No
// other may be started while the command runs.
func (c *Command) Beside(f func() (pid int, waited <-chan struct{}, err error)) error {
	return c.orphans.start(f)
}

// Outlived notes that it is not to go on, if it has not ended: End then ends it at once.
func (c *Command) Outlived() { c.outlived = !c.Ended() }

// Ended reports whether it has ended.
func (c *Command) Ended() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

// status is its exit code as a shell has it, 128 and the signal's number if one killed it. It must
// have ended.
func (c *Command) status() int {
	var exit *exec.ExitError
	if !errors.As(c.err, &exit) {
		return 0
	}
	if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return exit.ExitCode()
}

// grace is how long a process has to end after it was asked to, before it is killed.
const grace = 2 * time.Second

// End sees that the command ends, with all its processes in this process group, if it had not ended
// when its time was over: then the status is 0, whatever they end with, and the error names those
// that do not end. Otherwise the status is the command's own, 128 and the signal's number if one
// killed it, and the error says how it failed; what it left running is left alone, as shells do.
// The first call counts; a nil Command has ended well.
//
// Without Outlived, a signal has ended its time. A command at the same terminal may have had that
// too, and has some time to end by itself, but for when hurry is closed.
func (c *Command) End(hurry <-chan struct{}) (status int, err error) {
	switch {
	case c == nil || c.done:
		return 0, nil
	case !c.running:
		c.kill()
		return 0, nil
	}
	c.done = true
	defer c.orphans.leave()
	if !c.outlived && !c.Ended() && foreground() {
		select {
		case <-c.exited:
		case <-hurry:
		case <-time.After(grace):
		}
	}
	if c.outlived || !c.Ended() {
		return 0, endGroup(grace)
	}
	if c.err != nil {
		return c.status(), fmt.Errorf("the command failed: %w", c.err)
	}
	return 0, nil
}

// kill ends it before it was let go.
func (c *Command) kill() {
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
