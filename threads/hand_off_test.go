package threads

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"switchyard/internal/sys"
	"switchyard/internal/testenv"
)

// Everything that is put in is taken once, and takers end when the rest is out.
func TestRing(t *testing.T) {
	testenv.Check(t)
	const total, takers = 5000, 6
	var r ring
	var taken [total]atomic.Int32
	var all []<-chan struct{}
	for i := range takers {
		all = append(all, sys.Thread(fmt.Sprintf("sy-test/%d", i), func() {
			for c := r.take(func() {}); c != nil; c = r.take(func() {}) {
				taken[c.fd].Add(1)
			}
		}))
	}
	for i := range total {
		r.put(&conn{fd: i})
	}
	r.finish()
	for _, done := range all {
		<-done
	}
	for i := range taken {
		if n := taken[i].Load(); n != 1 {
			t.Fatalf("connection %d was taken %d times", i, n)
		}
	}
	if r.take(func() {}) != nil {
		t.Error("something is left")
	}
}

// A full ring makes put wait, and what comes out is in order.
func TestRingFull(t *testing.T) {
	testenv.Check(t)
	var r ring
	for i := range ringSize {
		r.put(&conn{fd: i})
	}
	done := sys.Thread("sy-test", func() { r.put(&conn{fd: ringSize}) })
	select {
	case <-done:
		t.Error("put did not wait")
	case <-time.After(10 * time.Millisecond):
	}
	for i := range ringSize + 1 {
		if c := r.take(func() {}); c.fd != i {
			t.Fatalf("took %d, want %d", c.fd, i)
		}
	}
	<-done
}
