package load

import "bytes"

// A response is an incremental parser of HTTP/1.x responses to GET (RFC 9112). It keeps no bytes:
// the body is counted and passed over, so bodies may be larger than any buffer, and any way to cut
// the stream into pieces gives the same outcome. It is strict where leniency would let two readers
// disagree about where a response ends (lengths, codings), and takes a bare LF for a line's end as
// section 2.2 allows.
//
// The zero value expects a response.
type response struct {
	state   parseState
	head    head
	n       int // bytes seen in the current element: line, value, digits
	section int // bytes seen of the head, the chunk's line or the trailer that is being read
	problem problem
	interim uint8  // 1xx responses passed over
	field   field  // the header being read, if it matters
	length  int64  // Content-Length; -1 when there was none
	num     int64  // number being read
	token   uint64 // list member being read, lower case, at most 8 bytes of it
	tokenN  int
	name    [nameMax]byte
}

const (
	maxHead    = 1 << 20  // of one head, or one trailer: as generous as any server's limit
	maxLine    = 64 << 10 // of the line before a chunk. A body has any number of them
	maxInterim = 32
	maxNumber  = 1 << 56 // a number above it may not get another digit
	nameMax    = len("transfer-encoding")
	versionLen = len("HTTP/1.1 200")
)

type parseState uint8

const (
	inStatus     parseState = iota // HTTP/1.x SP 3DIGIT
	inReason                       // up to the end of the line
	atLine                         // first byte of a header line
	inName                         //
	inOther                        // value that does not matter, up to the end of the line
	inLengthLead                   // white space before Content-Length
	inLength                       // its digits
	inLengthTail                   // white space after
	inList                         // value of a list header
	atHeadLF                       // LF of the empty line
	inBody                         // counted bytes
	inBodyRest                     // up to the close
	atChunk                        // first digit of a chunk's size
	inChunkSize                    //
	inChunkExt                     //
	atChunkLF                      // LF after size
	atDataCR                       // CR after a chunk's data
	atDataLF                       //
	atTrailer                      // first byte of a trailer line
	inTrailer                      //
	atTrailerLF                    // LF of the last line
	ended
	broken
)

// outcome is what feed and eof answer.
type outcome uint8

const (
	more outcome = iota // the response is not complete
	done                // it is; bytes that feed did not consume do not belong to it
	bad                 // it is not a response; see problem
)

// feed consumes bytes of the stream and returns how many.
func (r *response) feed(b []byte) (int, outcome) {
	i := 0
	for i < len(b) {
		c := b[i]
		switch r.state {
		case inBody:
			left := int64(len(b) - i)
			if left < r.head.left {
				r.head.left -= left
				return len(b), more
			}
			i += int(r.head.left)
			r.head.left = 0
			if r.head.body == bodyLength {
				r.state = ended
				return i, done
			}
			r.state = atDataCR
			continue
		case inBodyRest:
			return len(b), more
		case ended:
			return i, done
		case broken:
			return i, bad
		}
		if r.section++; r.section > maxLine && r.tooLong() {
			return r.fail(i)
		}
		switch r.state {
		case inStatus:
			switch k := r.n; {
			case k < 7:
				if c != "HTTP/1."[k] {
					return r.fail(i)
				}
			case k == 8:
				if c != ' ' {
					return r.fail(i)
				}
			default: // minor version, three digits of the status
				if c < '0' || c > '9' {
					return r.fail(i)
				}
				if k == 7 {
					r.head.minor = c - '0'
				} else {
					r.head.status = r.head.status*10 + int(c-'0')
				}
			}
			if r.n++; r.n == versionLen {
				if r.head.status < 100 {
					return r.fail(i)
				}
				r.state, r.n, r.length = inReason, 0, -1
			}
		case inReason:
			// A space or the line's end must follow the status.
			if r.n == 0 && c != ' ' && c != '\r' && c != '\n' {
				return r.fail(i)
			}
			r.n = 1
			if c == '\n' {
				r.state, r.n = atLine, 0
			}
		case atLine:
			switch {
			case c == '\r':
				r.state = atHeadLF
			case c == '\n':
				if o := r.endHead(); o != more {
					return i + 1, o
				}
			case c == ' ' || c == '\t':
				// A folded line (obsolete) goes on with the value before it.
				if r.field != fieldOther || r.n == 0 {
					return r.fail(i)
				}
				r.state = inOther
			case isToken(c):
				r.name[0], r.n, r.state = lower(c), 1, inName
			default:
				return r.fail(i)
			}
		case inName:
			switch {
			case c == ':':
				r.startValue()
			case !isToken(c):
				return r.fail(i)
			default:
				if r.n < nameMax {
					r.name[r.n] = lower(c)
				}
				r.n++
			}
		case inOther:
			j := bytes.IndexByte(b[i:], '\n')
			if j < 0 {
				j = len(b) - i - 1
			} else {
				r.state = atLine
			}
			if r.section += j; r.tooLong() {
				return r.fail(i)
			}
			i += j
		case inLengthLead, inLength, inLengthTail:
			switch {
			case c >= '0' && c <= '9' && r.state != inLengthTail:
				r.state = inLength
				if r.num > maxNumber {
					return r.fail(i)
				}
				r.num = r.num*10 + int64(c-'0')
			case c == ' ' || c == '\t' || c == '\r':
				if r.state == inLength {
					r.state = inLengthTail
				}
			case c == '\n' && r.state != inLengthLead:
				if r.length >= 0 && r.length != r.num {
					return r.fail(i) // two lengths that disagree
				}
				r.length = r.num
				r.head.seen |= sawLength
				r.state = atLine
			default:
				return r.fail(i)
			}
		case inList:
			switch c {
			case ',', '\n':
				r.endToken()
				if c == '\n' {
					r.state = atLine
				}
			case ' ', '\t', '\r':
			default:
				if r.tokenN < 8 {
					r.token = r.token<<8 | uint64(lower(c))
				} else {
					// Longer names: fold, so that none equals a short one.
					r.token = (r.token*31 + uint64(lower(c))) | 1<<63
				}
				r.tokenN++
			}
		case atHeadLF:
			if c != '\n' {
				return r.fail(i)
			}
			if o := r.endHead(); o != more {
				return i + 1, o
			}
		case atChunk, inChunkSize:
			if d := unhex(c); d >= 0 {
				r.state = inChunkSize
				if r.num > maxNumber {
					return r.fail(i)
				}
				r.num = r.num<<4 | int64(d)
				break
			}
			if r.state == atChunk {
				return r.fail(i)
			}
			switch c {
			case '\n':
				r.startChunk()
			case '\r':
				r.state = atChunkLF
			case ';', ' ', '\t':
				r.state = inChunkExt
			default:
				return r.fail(i)
			}
		case inChunkExt:
			if c == '\n' {
				r.startChunk()
			}
		case atChunkLF:
			if c != '\n' {
				return r.fail(i)
			}
			r.startChunk()
		case atDataCR:
			switch c {
			case '\r':
				r.state = atDataLF
			case '\n':
				r.state, r.num, r.section = atChunk, 0, 0
			default:
				return r.fail(i)
			}
		case atDataLF:
			if c != '\n' {
				return r.fail(i)
			}
			r.state, r.num, r.section = atChunk, 0, 0
		case atTrailer:
			switch c {
			case '\r':
				r.state = atTrailerLF
			case '\n':
				r.state = ended
				return i + 1, done
			default:
				r.state = inTrailer
			}
		case inTrailer:
			if c == '\n' {
				r.state = atTrailer
			}
		case atTrailerLF:
			if c != '\n' {
				return r.fail(i)
			}
			r.state = ended
			return i + 1, done
		}
		i++
	}
	if r.state == ended {
		return i, done
	}
	return i, more
}

// eof tells the parser that the server closed the connection.
func (r *response) eof() outcome {
	switch r.state {
	case inBodyRest:
		r.state = ended
		return done
	case ended:
		return done
	case broken:
		return bad
	}
	return more
}

// begun reports whether a byte of the response was seen.
func (r *response) begun() bool { return r.state != inStatus || r.n > 0 || r.interim > 0 }
