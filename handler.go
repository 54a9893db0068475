package switchyard

import (
	"fmt"
	"strings"
	"time"
)

// Protocol is what a server speaks over TCP.
type Protocol uint8

const (
	HTTP Protocol = iota // an HTTP/1.1 subset with keep-alive and pipelining
	Echo                 // every byte comes back
)

// ParseProtocol reads "http" or "echo".
func ParseProtocol(s string) (Protocol, error) {
	switch strings.ToLower(s) {
	case "http":
		return HTTP, nil
	case "echo":
		return Echo, nil
	}
	return 0, fmt.Errorf("protocol %q: want http or echo", s)
}

// String is the name ParseProtocol reads.
func (p Protocol) String() string {
	switch p {
	case HTTP:
		return "http"
	case Echo:
		return "echo"
	}
	return fmt.Sprintf("Protocol(%d)", uint8(p))
}

// Handler is the work every model does for its clients: a step function over bytes with no input or
// output, no allocation, no growth of the stack and no pointer kept, so that a forked child without
// a Go runtime can run it too.
type Handler struct {
	Protocol Protocol
	// SpinsPerMilli is how many turns of the loop behind /work take a millisecond of CPU time, as
	// Calibrate finds out.
	SpinsPerMilli uint64
}

// Action is what the caller of Step does next. Whatever it is, the bytes that Step put into out are
// written first.
type Action uint8

const (
	// ActRead: all input was taken; read more and call again.
	ActRead Action = iota
	// ActWrite: call again, with out empty and the input that was not taken (there may be none: a
	// long reply goes on).
	ActWrite
	// ActSleep: block for Conn.SleepNanos, then as ActWrite.
	ActSleep
	// ActCrash: die as a bug would have it (sys.Crash).
	ActCrash
	// ActClose: close the connection.
	ActClose
	// ActHalfClose: shut down writing, then go on reading and calling Step, which drops what it is
	// given, until the client closes, Step says ActClose or Linger has passed. Closing at once
	// would reset the connection, and the client might never see the error reply.
	ActHalfClose
)

const (
	// MinOut is the least room Step needs in an empty out, in bytes.
	MinOut = 512
	// InSize and OutSize are the sizes of the buffers that all models use, in bytes. They are here,
	// like Pause and Linger, so that no design has an advantage by them.
	InSize  = 16 << 10
	OutSize = 64 << 10

	// Pause is how long accepting pauses at a limit on connections, descriptors or memory before it
	// is tried again, unless a connection of the server closes first: another process may have
	// given back what was lacking.
	Pause = 50 * time.Millisecond
	// Linger is how long a connection that was shut down for writing is read on at most; see
	// ActHalfClose.
	Linger = time.Second

	// MaxHead is the longest request head that is read, in bytes; a longer one gets 431.
	MaxHead = 8 << 10
	// MaxLine is how many bytes of a line of the head are kept, CR included. A request line that
	// long gets 431, and so does a longer line of a header that the server obeys, or whose name has
	// not ended by then. Of other headers every byte is looked at and none is kept.
	MaxLine = 512
	// MaxBody is the largest request body that is read and dropped, in bytes; beyond it is 413.
	MaxBody = 1 << 20
	// MaxReply is the largest n of /bytes, in bytes, MaxWork the largest us of /work, in
	// microseconds, and MaxSleep the largest ms of /sleep, in milliseconds; beyond them is 400.
	MaxReply = 1 << 30
	MaxWork  = 10_000_000
	MaxSleep = 60_000
)

// Conn is what the handler remembers of one connection between two steps. The zero value is a new
// connection. It holds no pointers, so it can live anywhere, and takes all input it is given, so an
// idle connection needs no buffer.
type Conn struct {
	phase    phase
	route    route
	flags    flags
	seen     seen // of an unfinished line
	status   uint16
	lineLen  uint16 // bytes of an unfinished line in line
	headLen  uint32 // bytes of the head so far
	requests uint32
	skip     uint64 // bytes of the request's body still to come
	todo     uint64 // bytes of the reply's body still to go
	arg      uint64 // n, us or ms of the route
	dropped  uint64 // bytes dropped after an error
	line     [MaxLine]byte
}

// Requests is how many requests this connection has had answered (echo: how
// many steps gave output).
//
//go:nosplit
func (c *Conn) Requests() uint64 { return uint64(c.requests) }

// Working reports whether the next Step begins with the burning of a /work. No
// other Step burns: a loop that serves many connections can look here first, and
// serve the others before.
//
//go:nosplit
func (c *Conn) Working() bool { return c.phase == phaseAct && c.route == routeWork }

// SleepNanos is how long to block after ActSleep, in nanoseconds.
//
//go:nosplit
func (c *Conn) SleepNanos() int64 { return int64(c.arg) * 1_000_000 }

// Idle reports whether the connection is between two requests: nothing of the
// next one has come. A drain may close it.
//
//go:nosplit
func (c *Conn) Idle() bool {
	return c.phase == phaseRequest && c.lineLen == 0 && c.headLen == 0
}
