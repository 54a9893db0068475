package poll

import "switchyard"

// rest is what a connection could not do at once: output that its socket did not take and input
// that its handler has not taken. An idle connection has none.
type rest struct {
	out, in       []byte // parts of the two below
	outBuf, inBuf []byte
}

// rests are a loop's rests. A connection holds the number of its own: its slot has no pointers.
type rests struct {
	all  []*rest
	free []uint32
}

// keepRests is how many unused rests keep their buffers, 80 KiB each.
const keepRests = 64

// take returns the number of an empty rest, never 0.
func (r *rests) take() uint32 {
	if n := len(r.free); n > 0 {
		i := r.free[n-1]
		r.free = r.free[:n-1]
		if p := r.at(i); p.outBuf == nil {
			p.grow()
		}
		return i
	}
	p := new(rest)
	p.grow()
	r.all = append(r.all, p)
	return uint32(len(r.all))
}

func (p *rest) grow() {
	buf := make([]byte, switchyard.OutSize+switchyard.InSize)
	p.outBuf, p.inBuf = buf[:switchyard.OutSize], buf[switchyard.OutSize:]
}

func (r *rests) at(i uint32) *rest { return r.all[i-1] }

func (r *rests) give(i uint32) {
	p := r.at(i)
	p.out, p.in = nil, nil
	if len(r.free) >= keepRests {
		p.outBuf, p.inBuf = nil, nil
	}
	r.free = append(r.free, i)
}
