package poll

import "syscall"

// acceptOutcome is what an error of accept4(2) means to a loop.
type acceptOutcome int

const (
	acceptNone  acceptOutcome = iota // no connection waits
	acceptNext                       // this connection is lost; there may be others
	acceptPause                      // a limit is reached: nothing can be accepted for now
)

func outcome(e syscall.Errno) acceptOutcome {
	switch e {
	case syscall.EAGAIN:
		return acceptNone
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return acceptPause
	}
	// ECONNABORTED, EPERM of a firewall, and the network errors already
	// pending on the new socket that Linux passes on here (accept(2), NOTES).
	return acceptNext
}
