package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"

	"switchyard/internal/sys"

	"golang.org/x/sys/unix"
)

// A command is a program to be traced, from its first instruction on. Its thread must stay locked to the goroutine that
// started it, until it has ended: ptrace(2) and the signal at our death (PR_SET_PDEATHSIG) go by threads.
type command struct {
	cmd  *exec.Cmd
	done chan error // receives how it ended

	running bool
}

// startCommand starts it and has it wait before its first instruction: exec(2) stops a process that asked to be traced
// by its parent.
func startCommand(env Env, args []string) (*command, error) {
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
	c := &command{cmd: cmd, done: make(chan error, 1)}
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

// run lets it go. How it ends, done tells.
func (c *command) run() error {
	if err := unix.PtraceDetach(c.pid()); err != nil {
		return os.NewSyscallError("ptrace", err)
	}
	c.running = true
	sys.Thread("sy-wait", func() { c.done <- c.cmd.Wait() })
	return nil
}

// end asks it to end, and sees that it does. One that was never let go is killed.
func (c *command) end() {
	if !c.running {
		c.kill()
		return
	}
	c.cmd.Process.Signal(unix.SIGTERM)
	select {
	case <-c.done:
		return
	case <-time.After(2 * time.Second):
	}
	c.cmd.Process.Kill()
	<-c.done
}

// kill ends it before it was let go.
func (c *command) kill() {
	c.cmd.Process.Kill()
	c.cmd.Wait()
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
