package poll

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/sys"
)

func TestPace(t *testing.T) {
	var p pace
	want := func(ns int64, how sys.Wait, for_ int64) {
		t.Helper()
		if h, n := p.of(ns); h != how || n != for_ {
			t.Errorf("wait for %d: how %v, for %d; want %v, %d", ns, h, n, how, for_)
		}
	}
	want(-1, sys.LetGo, -1)
	want(5, sys.LetGo, 5)
	want(0, sys.Hold, 0)
	p.came(sys.LetGo, busyEvents-1, 0)
	want(-1, sys.LetGo, -1)
	p.came(sys.LetGo, busyEvents, 0)
	want(-1, sys.Hold, holdTime)
	want(2*holdTime, sys.Hold, holdTime)
	want(5, sys.Hold, 5)
	p.came(sys.Hold, 1, 0)
	p.came(sys.Hold, 0, syscall.EINTR)
	want(-1, sys.Hold, holdTime)
	p.came(sys.Hold, 0, 0)
	want(-1, sys.LetGo, -1)
}

// A busy loop that holds on to Go's processor does not hold up a garbage collection, nor one that
// is idle.
func TestGarbageIsCollected(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{})
		const clients = 16
		var all []*client
		for range clients {
			all = append(all, r.dial())
		}
		begin := time.Now()
		for range 20 {
			for _, c := range all {
				c.send(request)
			}
			runtime.GC()
			for _, c := range all {
				if err := c.reply(); err != nil {
					t.Fatal(err)
				}
			}
			runtime.GC()
		}
		if d := time.Since(begin); d > patience {
			t.Errorf("40 collections took %v", d)
		}
	})
}
