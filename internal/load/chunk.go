package load

// startChunk begins what follows the line before a chunk: its data, or the trailer.
func (r *response) startChunk() {
	if r.num == 0 {
		r.state, r.section = atTrailer, 0
		return
	}
	r.head.left, r.state = r.num, inBody
}

// unhex returns the value of a hexadecimal digit, -1 when it is none.
func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
