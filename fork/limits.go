package fork

import (
	"syscall"
	"time"
)

// pauseNanos is how long accepting pauses at a limit, unless a child ends
// before.
const (
	pauseNanos = int64(50 * time.Millisecond)
	pause      = time.Duration(pauseNanos)
)

// isShortage tells errors of accept4(2) and clone(2) that mean a limit has been
// reached, on descriptors, memory or tasks, which passes when something ends.
//
//go:nosplit
//go:norace
func isShortage(e syscall.Errno) bool {
	return e == syscall.EMFILE || e == syscall.ENFILE || e == syscall.ENOBUFS || e == syscall.ENOMEM || e == syscall.EAGAIN
}

// isPassing tells errors of accept4(2) that are about the connection and not
// about the listener: accept passes on what the network said (accept(2), "Error
// handling").
//
//go:nosplit
//go:norace
func isPassing(e syscall.Errno) bool {
	switch e {
	case syscall.EINTR, syscall.ECONNABORTED, syscall.EPERM, syscall.EPROTO, syscall.ENETDOWN, syscall.ENOPROTOOPT,
		syscall.EHOSTDOWN, syscall.ENONET, syscall.EHOSTUNREACH, syscall.EOPNOTSUPP, syscall.ENETUNREACH, syscall.ETIMEDOUT:
		return true
	}
	return false
}
