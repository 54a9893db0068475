package load

type field uint8

const (
	fieldOther field = iota
	fieldLength
	fieldCoding
	fieldConnection
)

func (r *response) startValue() {
	r.state, r.field, r.num, r.token, r.tokenN = inOther, fieldOther, 0, 0, 0
	switch r.n {
	case len("connection"):
		if string(r.name[:r.n]) == "connection" {
			r.state, r.field = inList, fieldConnection
		}
	case len("content-length"):
		if string(r.name[:r.n]) == "content-length" {
			r.state, r.field = inLengthLead, fieldLength
		}
	case len("transfer-encoding"):
		if string(r.name[:r.n]) == "transfer-encoding" {
			r.state, r.field = inList, fieldCoding
			r.head.seen |= sawCoding
		}
	}
}

// pack is a name of at most 8 bytes as endToken compares it; longer names are folded the way feed
// folds them.
func pack(s string) (v uint64) {
	for i := range len(s) {
		if i < 8 {
			v = v<<8 | uint64(s[i])
		} else {
			v = (v*31 + uint64(s[i])) | 1<<63
		}
	}
	return v
}

var (
	tokenClose     = pack("close")
	tokenKeepAlive = pack("keep-alive")
	tokenChunked   = pack("chunked")
)

func (r *response) endToken() {
	if r.tokenN > 0 {
		switch r.field {
		case fieldConnection:
			if r.token == tokenClose && r.tokenN == len("close") {
				r.head.seen |= sawClose
			}
			if r.token == tokenKeepAlive && r.tokenN == len("keep-alive") {
				r.head.seen |= sawKeepAlive
			}
		case fieldCoding:
			r.head.seen &^= sawChunked
			if r.token == tokenChunked && r.tokenN == len("chunked") {
				r.head.seen |= sawChunked
			}
		}
	}
	r.token, r.tokenN = 0, 0
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// isToken reports whether c may stand in a header's name (RFC 9110, 5.6.2).
func isToken(c byte) bool { return tokens[c] }

var tokens = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = true
	}
	return t
}()
