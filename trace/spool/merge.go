package spool

import (
	"errors"
	"os"
)

// A merge reads all rings in the order of time.
type merge struct {
	heap []*ringReader // those with records left, the earliest first
	all  []*ringReader
}

func newMerge(f *os.File, rings [][]frame) *merge {
	m := new(merge)
	for _, frames := range rings {
		r := &ringReader{f: f, frames: frames}
		r.fill()
		m.all = append(m.all, r)
		if r.next() != nil {
			m.heap = append(m.heap, r)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return m
}

// next returns the earliest record of all, nil at the end.
func (m *merge) next() *raw {
	if len(m.heap) == 0 {
		return nil
	}
	return m.heap[0].next()
}

// drop removes it.
func (m *merge) drop() {
	m.heap[0].drop()
	if m.heap[0].next() == nil {
		last := len(m.heap) - 1
		m.heap[0] = m.heap[last]
		m.heap = m.heap[:last]
	}
	m.down(0)
}

func (m *merge) down(i int) {
	h := m.heap
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1].next().time < h[c].next().time {
			c++
		}
		if h[c].next().time >= h[i].next().time {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}

// err returns why rings ended before their ends.
func (m *merge) err() error {
	var errs []error
	for _, r := range m.all {
		errs = append(errs, r.bad)
	}
	return errors.Join(errs...)
}
