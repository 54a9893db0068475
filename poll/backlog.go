package poll

// backlog is input that came while its connection's output was still being sent.
type backlog struct {
	buf []byte
	off int // what is before has been taken
}

// backlogs are a loop's backlogs. A connection holds the number of its own.
type backlogs struct {
	all  []backlog
	free []uint32
}

// keepBacklog is the largest buffer an unused backlog keeps.
const keepBacklog = 4 << 10

// take returns the number of an empty backlog, never 0.
func (b *backlogs) take() uint32 {
	if n := len(b.free); n > 0 {
		i := b.free[n-1]
		b.free = b.free[:n-1]
		return i
	}
	b.all = append(b.all, backlog{})
	return uint32(len(b.all))
}

func (b *backlogs) at(i uint32) *backlog { return &b.all[i-1] }

func (b *backlogs) give(i uint32) {
	p := b.at(i)
	p.buf, p.off = p.buf[:0], 0
	if cap(p.buf) > keepBacklog {
		p.buf = nil
	}
	b.free = append(b.free, i)
}

func (p *backlog) len() int { return len(p.buf) - p.off }

// add appends a copy of in.
func (p *backlog) add(in []byte) {
	if p.off > 0 && len(p.buf)+len(in) > cap(p.buf) {
		p.buf = p.buf[:copy(p.buf, p.buf[p.off:])]
		p.off = 0
	}
	p.buf = append(p.buf, in...)
}
