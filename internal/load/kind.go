package load

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// A Kind is the name of one way for a request to go wrong. The names are part of the JSON schema:
// they are added to, never changed.
type Kind string

// Before a request left (no request was sent, none is missing an answer).
const (
	// nothing listens there, or the backlog overflowed with tcp_abort_on_overflow
	ConnectRefused Kind = "connect_refused"
	ConnectTimeout Kind = "connect_timeout" // no answer to the SYN within Config.Timeout
	ConnectReset   Kind = "connect_reset"   // reset during the handshake
	ConnectFailed  Kind = "connect_failed"  // any other error of socket(2) or connect(2)
	// EADDRNOTAVAIL: every local port is taken, most by TIME_WAIT
	NoLocalPorts  Kind = "no_local_ports"
	NoDescriptors Kind = "no_descriptors" // EMFILE, ENFILE
)

// After it left.
const (
	Reset       Kind = "reset"        // the server reset the connection
	ClosedEarly Kind = "closed_early" // the server closed it before the response was complete
	Timeout     Kind = "timeout"      // no complete response within Config.Timeout
	// not HTTP, contradictory framing, bytes too many, or a wrong echo
	BadResponse Kind = "bad_response"
	IOFailed    Kind = "io_failed"  // any other error of send(2) or recv(2)
	Status1xx   Kind = "status_1xx" // only 101: other interim responses are passed over
	Status3xx   Kind = "status_3xx" // redirects are not followed
	Status4xx   Kind = "status_4xx"
	Status5xx   Kind = "status_5xx"
)

// kindID is a Kind as the loop counts it.
type kindID uint8

const (
	kNone kindID = iota
	kConnectRefused
	kConnectTimeout
	kConnectReset
	kConnectFailed
	kNoLocalPorts
	kNoDescriptors
	kReset // first kind of a request that was sent
	kClosedEarly
	kTimeout
	kBadResponse
	kIOFailed
	kStatus1xx
	kStatus3xx
	kStatus4xx
	kStatus5xx
	kinds
)

var kindNames = [kinds]Kind{"", ConnectRefused, ConnectTimeout, ConnectReset, ConnectFailed,
	NoLocalPorts, NoDescriptors,
	Reset, ClosedEarly, Timeout, BadResponse, IOFailed, Status1xx, Status3xx, Status4xx, Status5xx}

// beforeSend reports whether no request had left when the error came.
func (k kindID) beforeSend() bool { return k < kReset }

// connectKind names an error of socket(2), bind(2) or connect(2).
func connectKind(e syscall.Errno) kindID {
	switch e {
	case unix.ECONNREFUSED:
		return kConnectRefused
	case unix.ETIMEDOUT:
		return kConnectTimeout
	case unix.ECONNRESET, unix.EPIPE, unix.ECONNABORTED:
		return kConnectReset
	case unix.EADDRNOTAVAIL, unix.EADDRINUSE:
		return kNoLocalPorts
	case unix.EMFILE, unix.ENFILE:
		return kNoDescriptors
	}
	return kConnectFailed
}

// ioKind names an error of send(2) or recv(2) on an established connection.
func ioKind(e syscall.Errno) kindID {
	switch e {
	case unix.ECONNRESET, unix.EPIPE, unix.ECONNABORTED:
		return kReset
	case unix.ETIMEDOUT:
		return kTimeout
	}
	return kIOFailed
}

// statusKind names a final status that is no success.
func statusKind(status int) kindID {
	switch {
	case status >= 200 && status < 300:
		return kNone
	case status < 200:
		return kStatus1xx
	case status < 400:
		return kStatus3xx
	case status < 500:
		return kStatus4xx
	}
	return kStatus5xx
}

// answer reports whether the server answered, though not well.
func (k Kind) answer() bool {
	switch k {
	case Status1xx, Status3xx, Status4xx, Status5xx:
		return true
	}
	return false
}
