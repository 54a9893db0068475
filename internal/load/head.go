package load

// head is what a response's head decides.
type head struct {
	status int
	left   int64 // body bytes still to come, of the body or of the chunk
	body   bodyKind
	minor  uint8 // HTTP/1.minor
	seen   uint8 // sawX bits
	keep   bool  // the connection may carry another request
}

type bodyKind uint8

const (
	bodyNone bodyKind = iota
	bodyLength
	bodyChunked
	bodyToClose
)

const (
	sawLength uint8 = 1 << iota
	sawCoding
	sawChunked   // chunked is the last transfer coding so far
	sawClose     // Connection: close
	sawKeepAlive // Connection: keep-alive
)

// endHead decides how the body is framed (RFC 9112, section 6.3).
func (r *response) endHead() outcome {
	h := &r.head
	if h.status < 200 && h.status != 101 {
		if r.interim++; r.interim > maxInterim {
			r.state, r.problem = broken, manyInterim
			return bad
		}
		*r = response{interim: r.interim}
		return more
	}
	if h.minor == 0 {
		h.keep = h.seen&sawKeepAlive != 0 && h.seen&sawClose == 0
	} else {
		h.keep = h.seen&sawClose == 0
	}
	switch {
	case h.status == 101 || h.status == 204 || h.status == 304:
		h.body = bodyNone
		if h.status == 101 {
			h.keep = false
		}
	case h.seen&sawCoding != 0:
		// A length beside a coding, or a coding from HTTP/1.0, is suspect: read it, then give the
		// connection up.
		if h.seen&sawLength != 0 || h.minor == 0 {
			h.keep = false
		}
		if h.seen&sawChunked != 0 {
			h.body, r.state, r.num, r.section = bodyChunked, atChunk, 0, 0
			return more
		}
		h.body, h.keep, r.state = bodyToClose, false, inBodyRest
		return more
	case h.seen&sawLength != 0:
		if h.body, h.left = bodyLength, r.length; h.left > 0 {
			r.state = inBody
			return more
		}
	default:
		h.body, h.keep, r.state = bodyToClose, false, inBodyRest
		return more
	}
	r.state = ended
	return done
}
