package switchyard

import (
	"bytes"
	"encoding/binary"
)

// phase is where in a request a connection is.
type phase uint8

const (
	phaseRequest phase = iota // before or in the request line
	phaseHeader               // before or in a header line
	phaseBody                 // in the request's body, which is dropped
	phaseAct                  // the request is whole: do what its route says
	phaseReply                // put the head of the reply
	phaseFill                 // put the body of the reply
	phaseDrop                 // an error was answered: drop what comes
)

// route is what a request asks for.
type route uint8

const (
	routeRoot route = iota
	routeBytes
	routeWork
	routeSleep
	routeCrash
	routeError // answer with Conn.status
)

// flags are a request's properties.
type flags uint8

const (
	flagOld       flags = 1 << iota // HTTP/1.0
	flagKeepAlive                   // the connection stays open after the reply
	flagHead                        // HEAD: no body in the reply
	flagExpect                      // Expect: 100-continue
	flagLength                      // there was a Content-Length
	flagCoding                      // there was a Transfer-Encoding
	flagChunked                     // its last member so far was "chunked"
	flagBare                        // the request line ended in LF without CR
)

// seen is what is known of a line beyond the bytes of it that are kept.
type seen uint8

const (
	seenReturn  seen = 1 << iota // its last byte so far is CR
	seenControl                  // it has a control character that no line may have
	seenLong                     // it is longer than MaxLine
)

// Step takes input from in and puts output into out. It returns how many bytes
// it took and put and what to do next. in is what has been read and not yet
// taken; out is empty and holds at least MinOut bytes. It never blocks, except
// that /work burns its time here: that is its point. It does so only when called
// with Conn.Working, and once.
//
// One turn of its loop is one line of a head, one piece of a body, or one part
// of a reply. It and all it calls are nosplit and within the 800 bytes of stack
// that the linker allows such a chain, together with the loop of a forked
// child. That is why bounds are tested where the language would test them
// anyway: a test that the compiler can see through leaves no call to panic,
// which would take 330 of the 800 bytes.
//
//go:nosplit
//go:norace
func (h *Handler) Step(c *Conn, in, out []byte) (took, put int, do Action) {
	if h.Protocol == Echo {
		n := copy(out, in)
		c.requests += uint32(min(n, 1))
		if n < len(in) {
			return n, n, ActWrite
		}
		return n, n, ActRead
	}
	whole, mayBurn := len(in), c.Working()
	for {
		switch c.phase {
		case phaseRequest, phaseHeader:
			if len(in) == 0 {
				return whole, put, ActRead
			}
			line, ends := in, false
			if i := bytes.IndexByte(in, '\n'); uint(i) < uint(len(in)) {
				line, in, ends = in[:i], in[i+1:], true
				c.headLen++
			} else {
				in = in[len(in):]
			}
			c.headLen += uint32(len(line))
			if c.headLen > MaxHead {
				c.fail(431)
				continue
			}
			c.look(line)
			if !ends || c.lineLen > 0 {
				line = c.keep(line)
			}
			if c.phase == phaseRequest && len(line) >= MaxLine {
				c.fail(431)
				continue
			}
			if !ends {
				continue
			}
			if len(line) > MaxLine {
				line = line[:MaxLine]
				c.seen |= seenLong
			}
			c.takeLine(line)

		case phaseBody:
			if c.flags&flagExpect != 0 {
				if len(out)-put < MinOut/2 {
					return whole - len(in), put, ActWrite
				}
				c.flags &^= flagExpect
				put = add(out, put, "HTTP/1.1 100 Continue\r\n\r\n")
			}
			if c.skip > uint64(len(in)) {
				c.skip -= uint64(len(in))
				return whole, put, ActRead
			}
			in = in[c.skip:]
			c.skip, c.phase = 0, phaseAct

		case phaseAct:
			c.phase = phaseReply
			switch c.route {
			case routeWork:
				if !mayBurn { // earlier replies, and other clients, go first
					c.phase = phaseAct
					return whole - len(in), put, ActWrite
				}
				mayBurn = false
				_ = burn(c.arg * h.SpinsPerMilli / 1000)
			case routeSleep:
				return whole - len(in), put, ActSleep
			case routeCrash:
				return whole - len(in), put, ActCrash
			}

		case phaseReply:
			if len(out)-put < MinOut {
				return whole - len(in), put, ActWrite
			}
			put = c.reply(out, put)
			c.phase = phaseFill

		case phaseFill:
			if c.todo > 0 {
				put = c.fill(out, put)
				if c.todo > 0 {
					return whole - len(in), put, ActWrite
				}
			}
			c.requests++
			switch {
			case c.flags&flagKeepAlive != 0:
				c.phase, c.flags, c.headLen = phaseRequest, 0, 0
				continue
			case c.route != routeError && len(in) == 0:
				c.phase = phaseDrop
				return whole, put, ActClose
			}
			// After an error the client may still be sending, and here bytes behind the last
			// request are waiting: see ActHalfClose.
			c.phase = phaseDrop
			return whole - len(in), put, ActHalfClose

		case phaseDrop:
			c.dropped += uint64(len(in))
			if c.dropped > 4*MaxBody {
				return whole, put, ActClose
			}
			return whole, put, ActRead
		}
	}
}

// add copies s to out at n and returns where it ends.
//
//go:nosplit
//go:norace
func add(out []byte, n int, s string) int {
	if uint(n) > uint(len(out)) {
		return n
	}
	return n + copy(out[n:], s)
}

// keep appends p to the unfinished line, as much of it as there is room for,
// and returns the line so far.
//
//go:nosplit
//go:norace
func (c *Conn) keep(p []byte) []byte {
	n := int(c.lineLen)
	if n > MaxLine {
		return nil
	}
	kept := copy(c.line[n:], p)
	if kept < len(p) {
		c.seen |= seenLong
	}
	n += kept
	c.lineLen = uint16(n)
	if n > MaxLine {
		return nil
	}
	return c.line[:n]
}

// look looks at every byte of a line once, whether it is kept or not, for
// control characters, which stand for the end of a line, of a word or of a
// string where others look for one. A tab is a blank, and CR may be the last.
// The bytes of a request line, which is always kept, are looked at as its words
// are.
//
//go:nosplit
//go:norace
func (c *Conn) look(p []byte) {
	last := len(p) - 1
	if last < 0 {
		return
	}
	if c.seen&seenReturn != 0 { // it was not the last
		c.seen = c.seen&^seenReturn | seenControl
	}
	if p[last] == '\r' {
		c.seen |= seenReturn
		p = p[:last]
	}
	if c.phase == phaseHeader && hasControl(p) {
		c.seen |= seenControl
	}
}

// hasControl reports whether there is a control character other than a tab
// among p. Most lines have none, and eight bytes at a time tell: only where one
// may be each byte is looked at.
//
//go:nosplit
//go:norace
func hasControl(p []byte) bool {
	if len(p) >= 8 {
		may := mayBeControl(p[len(p)-8:])
		for rest := p; len(rest) > 8; rest = rest[8:] {
			may |= mayBeControl(rest)
		}
		if may == 0 {
			return false
		}
	}
	for _, b := range p {
		if isControl(b) {
			return true
		}
	}
	return false
}

// mayBeControl is 0 if none of the first eight bytes is less than a blank, or
// DEL: else the highest bit of one of them is set.
//
//go:nosplit
//go:norace
func mayBeControl(p []byte) uint64 {
	const each = 1<<56 | 1<<48 | 1<<40 | 1<<32 | 1<<24 | 1<<16 | 1<<8 | 1
	v := binary.LittleEndian.Uint64(p)
	del := v ^ 0x7f*each
	return ((v-' '*each)&^v | (del-each)&^del) & (0x80 * each)
}

//go:nosplit
//go:norace
func isControl(b byte) bool { return b < ' ' && b != '\t' || b == 0x7f }

// takeLine takes a line of the head, which has ended; of one that is longer
// than MaxLine its beginning.
//
//go:nosplit
//go:norace
func (c *Conn) takeLine(line []byte) {
	seen := c.seen
	c.seen, c.lineLen = 0, 0
	if n := len(line) - 1; n >= 0 && seen&(seenReturn|seenLong) == seenReturn {
		line = line[:n]
	}
	bare := seen&seenReturn == 0
	switch {
	case seen&seenControl != 0:
		c.fail(400)
	case c.phase == phaseRequest && len(line) == 0: // ignored before a request (RFC 9112, 2.2)
		c.headLen = 0
	case c.phase == phaseRequest:
		c.takeTarget(c.takeRequest(line))
		if bare {
			c.flags |= flagBare
		}
	case bare != (c.flags&flagBare != 0):
		// LF alone may end a line (RFC 9112, 2.2), as of a request typed by hand. Among lines that
		// end in CR LF it is part of a line for some, and what follows it a header for others.
		c.fail(400)
	case len(line) == 0:
		c.endHead()
	default:
		c.takeHeader(line, seen&seenLong != 0)
	}
}

// fail answers status instead of what was asked, and closes.
//
//go:nosplit
//go:norace
func (c *Conn) fail(status uint16) {
	c.route, c.status, c.phase = routeError, status, phaseReply
	c.flags &^= flagKeepAlive
	c.lineLen = 0
}

// endHead decides, at the empty line, what follows the head.
//
//go:nosplit
//go:norace
func (c *Conn) endHead() {
	switch {
	case c.flags&(flagCoding|flagLength) == flagCoding|flagLength:
		c.fail(400) // a smuggled request (RFC 9112, 6.1)
	case c.flags&flagCoding != 0 && (c.flags&flagChunked == 0 || c.flags&flagOld != 0):
		c.fail(400) // nobody knows where it ends (RFC 9112, 6.1 and 6.3)
	case c.flags&flagCoding != 0:
		c.fail(501)
	case c.skip > MaxBody:
		c.fail(413)
	case c.skip > 0:
		c.phase = phaseBody
	default:
		c.phase = phaseAct
	}
}
