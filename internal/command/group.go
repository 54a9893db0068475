package command

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
)

// endGroup ends what descends from this process and is in its process group: SIGTERM, and SIGKILL
// for what is left after the grace. The group as a whole is not signalled, for it holds this
// process, and whatever a shell has put into it. Processes that have left it asked to be left
// alone. The error names those that do not end.
func endGroup(grace time.Duration) error {
	var left []int
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		var err error
		if left, err = signalGroup(signal, time.Now().Add(grace)); err != nil {
			return err
		}
		if len(left) == 0 {
			return nil
		}
	}
	return fmt.Errorf("the command's processes %s do not end", strings.Trim(fmt.Sprint(left), "[]"))
}

// signalGroup signals each process once, those too that are made meanwhile, and waits until all
// have ended, or until the deadline. It returns those that have not.
func signalGroup(signal unix.Signal, deadline time.Time) (left []int, err error) {
	told := map[int]int{} // pidfd by PID: that a number is not used again, the descriptor sees to
	defer func() {
		for _, fd := range told {
			unix.Close(fd)
		}
	}()
	// A process that changes its parent while the tree is read may be missed once.
	for empty := 0; empty < 2; {
		pids, err := groupMembers()
		if err != nil {
			return nil, err
		}
		left = left[:0]
		var fds []unix.PollFd
		for _, pid := range pids {
			fd, known := told[pid]
			if !known {
				if fd, err = unix.PidfdOpen(pid, 0); err != nil {
					continue // it has been waited for
				}
				told[pid] = fd
				// A process that is stopped ends when it goes on. EPERM is seen in that it does not
				// end.
				unix.PidfdSendSignal(fd, signal, nil, 0)
				unix.PidfdSendSignal(fd, unix.SIGCONT, nil, 0)
			}
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			if n, _ := unix.Poll(p, 0); n == 0 {
				left = append(left, pid)
				fds = append(fds, p[0])
			}
		}
		if len(left) == 0 {
			empty++
			continue
		}
		empty = 0
		wait := time.Until(deadline)
		if wait <= 0 {
			return left, nil
		}
		unix.Poll(fds, int(wait/time.Millisecond)+1)
	}
	return nil, nil
}

// groupMembers lists the descendants of this process that are in its process group. A zombie may
// still have threads.
func groupMembers() ([]int, error) {
	self, group := os.Getpid(), unix.Getpgrp()
	tree, err := proc.TreeWithZombies(self)
	if err != nil {
		return nil, err
	}
	members := tree[:0]
	for _, pid := range tree {
		if g, err := unix.Getpgid(pid); err == nil && g == group && pid != self {
			members = append(members, pid)
		}
	}
	return members, nil
}
