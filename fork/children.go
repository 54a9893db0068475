package fork

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// children are the processes one server has made and not yet reaped. One thread makes them and
// another reaps them.
type children struct {
	mu    sync.Mutex // held over a fork, so that no child is reaped before it is known
	known map[int]child
	count atomic.Int64
	idle  atomic.Bool // the reaper waits for the bell, there being no child
	quit  atomic.Bool
	bell  doorbell
	// died is called by the reaper, with mu held, once a child is reaped: no child of the same PID
	// can have been made yet.
	died func(pid int, c child, status unix.WaitStatus)
}

// child is one process.
type child struct {
	slot    int
	started time.Time
}

// make forks with f for a slot.
func (cs *children) make(slot int, f func() (int, syscall.Errno)) syscall.Errno {
	cs.mu.Lock()
	pid, e := f()
	if e == 0 {
		cs.known[pid] = child{slot, time.Now()}
		cs.count.Add(1)
	}
	cs.mu.Unlock()
	if e == 0 && cs.idle.Swap(false) {
		cs.bell.ring()
	}
	return e
}

// each calls f for every child that is not reaped: its PID is still its own.
func (cs *children) each(f func(pid int, c child)) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for pid, c := range cs.known {
		f(pid, c)
	}
}

// reapPause is how long a dead child that is not the server's is left to whoever made it before the
// reaper looks again.
const reapPause = 10 * time.Millisecond

// reap reaps the server's children as they die, and no others: the program may have made some by
// other means, and wait for them. It looks at the next dead child without reaping it (waitid(2),
// WNOWAIT) and reaps it if it is known. It needs a thread of its own, and returns after stop.
func (cs *children) reap() {
	for !cs.quit.Load() {
		if cs.count.Load() == 0 {
			cs.idle.Store(true)
			if cs.count.Load() == 0 && !cs.quit.Load() {
				cs.bell.wait(-1)
			}
			cs.idle.Store(false)
			continue
		}
		pid, e := sys.WaitDead()
		if e == 0 && cs.bury(pid) {
			continue
		}
		// A stranger's zombie may hide ours behind it. Or a stranger waits for any child at all and
		// has taken ours (ECHILD).
		var pids []int
		cs.each(func(pid int, _ child) { pids = append(pids, pid) })
		for _, pid := range pids {
			cs.bury(pid)
		}
		sys.Nanosleep(int64(reapPause))
	}
}

// stop ends reap. There must be no children left.
func (cs *children) stop() {
	cs.quit.Store(true)
	cs.bell.ring()
}

// bury reaps a child, if it is the server's and dead, and reports whether it was.
func (cs *children) bury(pid int) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c, ours := cs.known[pid]
	if !ours {
		return false
	}
	var status unix.WaitStatus
	got, err := unix.Wait4(pid, &status, unix.WNOHANG, nil)
	if got != pid && err != unix.ECHILD {
		return false
	}
	delete(cs.known, pid)
	cs.died(pid, c, status)
	cs.count.Add(-1)
	return true
}

// interrupt sends InterruptSignal to every child that can take it.
func (cs *children) interrupt(slots []slot) {
	cs.each(func(pid int, c child) {
		switch tid := slots[c.slot].interrupt.Load(); tid {
		case 0:
		case leader:
			unix.Tgkill(pid, pid, sys.InterruptSignal)
		default:
			unix.Tgkill(pid, int(tid), sys.InterruptSignal)
		}
	})
}

// kill kills every child.
func (cs *children) kill() {
	cs.each(func(pid int, _ child) { unix.Kill(pid, unix.SIGKILL) })
}
