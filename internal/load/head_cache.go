package load

import "bytes"

// A headCache remembers the last head that came in one piece. Parsing is a pure function of the
// bytes, and servers say the same thing again and again: the same head means the same.
type headCache struct {
	n     int
	bytes [1024]byte
	after response
}

// feed is response.feed through the cache.
func (hc *headCache) feed(r *response, b []byte) (int, outcome) {
	if r.state != inStatus || r.n != 0 || r.interim != 0 {
		return r.feed(b)
	}
	if n := hc.n; n > 0 && len(b) >= n && bytes.Equal(b[:n], hc.bytes[:n]) {
		*r = hc.after
		if r.state == ended {
			return n, done
		}
		m, o := r.feed(b[n:])
		return n + m, o
	}
	// Both line ends, as the parser accepts both.
	n := bytes.Index(b, []byte("\r\n\r\n"))
	if n < 0 || n+4 > len(hc.bytes) {
		return r.feed(b)
	}
	n += 4
	m, o := r.feed(b[:n])
	if m != n || o == bad {
		return m, o
	}
	// Interim responses end in the state of the beginning: not remembered.
	if r.state != inStatus && r.state != atLine {
		hc.n = copy(hc.bytes[:], b[:n])
		hc.after = *r
	}
	if o == done {
		return n, done
	}
	k, o := r.feed(b[n:])
	return n + k, o
}
