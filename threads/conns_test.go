package threads

import (
	"slices"
	"testing"

	"switchyard"
)

func TestConns(t *testing.T) {
	var l conns
	defer func() {
		if err := l.unmap(); err != nil {
			t.Error(err)
		}
	}()
	var all []*conn
	for range 2*slabConns + 1 {
		c, err := l.get(10_000)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.in) != switchyard.InSize || len(c.out) != switchyard.OutSize {
			t.Fatalf("buffers of %d and %d bytes", len(c.in), len(c.out))
		}
		all = append(all, c)
	}
	if len(l.slabs) != 3 {
		t.Errorf("%d slabs for %d connections, want 3", len(l.slabs), len(all))
	}
	// No buffer is another's.
	for i, c := range all {
		c.in[0], c.in[len(c.in)-1], c.out[0], c.out[len(c.out)-1] = byte(i), byte(i), byte(i),
			byte(i)
	}
	for i, c := range all {
		for _, b := range []byte{c.in[0], c.in[len(c.in)-1], c.out[0], c.out[len(c.out)-1]} {
			if b != byte(i) {
				t.Fatalf("the buffers of connection %d are shared", i)
			}
		}
	}
	for i, c := range all {
		l.add(c, i)
	}
	open := func() (fds []int) {
		l.each(func(c *conn) { fds = append(fds, c.fd) })
		slices.Sort(fds)
		return fds
	}
	if n := len(open()); n != len(all) {
		t.Fatalf("%d connections open, want %d", n, len(all))
	}
	// From the ends and the middle.
	for _, i := range []int{0, len(all) - 1, 64, 63, 65} {
		l.remove(all[i])
		if slices.Contains(open(), i) {
			t.Errorf("connection %d is still open", i)
		}
		l.put(all[i])
	}
	if n := len(open()); n != len(all)-5 {
		t.Errorf("%d connections open, want %d", n, len(all)-5)
	}
	// The last one given back is the first to be used again: its pages are warm.
	if c, err := l.get(10_000); err != nil || c != all[65] {
		t.Errorf("got another connection than the last one, %v", err)
	}
	// A pool of few does not map buffers for many.
	var few conns
	if _, err := few.get(3); err != nil {
		t.Fatal(err)
	}
	if n := len(few.slabs[0]); n != 3*(switchyard.InSize+switchyard.OutSize) {
		t.Errorf("%d bytes mapped for 3 connections", n)
	}
	if err := few.unmap(); err != nil {
		t.Error(err)
	}
}
