package sys

import "syscall"

// AcceptMeaning is what an error of accept4(2) means to whoever accepts.
type AcceptMeaning uint8

const (
	// AcceptNext: that connection is lost; the next may be accepted.
	AcceptNext AcceptMeaning = iota
	// AcceptNone: no connection waits on a listener that does not block.
	AcceptNone
	// AcceptPause: a limit or a policy forbids it. The connection waits where it was, and tried
	// again at once it would fail again.
	AcceptPause
	// AcceptFailed: the listener is none, or is one no longer.
	AcceptFailed
)

// AcceptMeans says what an error of accept4(2) means. It is the one table that every design goes
// by, forked children among them.
//
// Linux passes errors on that were pending on the new connection (accept(2), "Error handling"):
// those are of that connection. EPERM and EACCES, of a firewall by that page, are of a security
// module, which is asked before a connection is taken from the queue (net/socket.c, do_accept).
//
//go:nosplit
//go:norace
func AcceptMeans(e syscall.Errno) AcceptMeaning {
	switch e {
	case syscall.EAGAIN:
		return AcceptNone
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ENOSR,
		syscall.EPERM, syscall.EACCES:
		return AcceptPause
	case syscall.EINTR, syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EPROTO, syscall.ENETDOWN,
		syscall.ENOPROTOOPT, syscall.EHOSTDOWN,
		syscall.ENONET, syscall.EHOSTUNREACH, syscall.EOPNOTSUPP, syscall.ENETUNREACH,
		syscall.ETIMEDOUT:
		return AcceptNext
	}
	return AcceptFailed
}
