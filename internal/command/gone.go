package command

import "golang.org/x/sys/unix"

// Gone is closed when all the processes have ended, or stop is closed.
func Gone(pids []int, stop <-chan struct{}) <-chan struct{} {
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
