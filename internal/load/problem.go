package load

import "fmt"

// A problem is why a response is none.
type problem uint8

const (
	malformed problem = iota
	notHTTP
	longHead
	longLine
	manyInterim
)

func (p problem) String() string {
	switch p {
	case notHTTP:
		return "not an HTTP/1.x response"
	case longHead:
		return fmt.Sprintf("a head or trailer of more than %d bytes", maxHead)
	case longLine:
		return fmt.Sprintf("the line before a chunk has more than %d bytes", maxLine)
	case manyInterim:
		return fmt.Sprintf("more than %d interim responses", maxInterim)
	}
	return "malformed head or framing"
}

func (r *response) fail(i int) (int, outcome) {
	if r.state == inStatus && r.n < len("HTTP/1.") && r.interim == 0 {
		r.problem = notHTTP
	}
	r.state = broken
	return i, bad
}

// tooLong reports whether what is being read is longer than is borne.
func (r *response) tooLong() bool {
	switch r.state {
	case atChunk, inChunkSize, inChunkExt, atChunkLF, atDataCR, atDataLF:
		if r.section > maxLine {
			r.problem = longLine
			return true
		}
	default:
		if r.section > maxHead {
			r.problem = longHead
			return true
		}
	}
	return false
}
