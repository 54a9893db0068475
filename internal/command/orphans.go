package command

import (
	"sync"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// orphans are the processes that a traced command left behind and that this process has become the
// parent of (PR_SET_CHILD_SUBREAPER). One that ends must be waited for, or it stays a zombie, and
// its task is never freed.
type orphans struct {
	mu     sync.Mutex
	others map[int]<-chan struct{} // those that others wait for, by PID; closed when they have
	over   bool                    // all children are others' from now on
}

// except leaves a process to who waits for it, and then closes waited.
func (o *orphans) except(pid int, waited <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.add(pid, waited)
}

func (o *orphans) add(pid int, waited <-chan struct{}) {
	if o.others == nil {
		o.others = make(map[int]<-chan struct{})
	}
	o.others[pid] = waited
}

// start starts a process that others wait for: it is none of the orphans, even if it ends at once.
func (o *orphans) start(f func() (pid int, waited <-chan struct{}, err error)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	pid, waited, err := f()
	if err == nil {
		o.add(pid, waited)
	}
	return err
}

// reap waits for the orphans on a thread of its own, for as long as this process has any child, or
// until leave is called.
func (o *orphans) reap() {
	sys.Thread("sy-orphans", func() {
		for {
			pid, errno := sys.WaitDead()
			if errno != 0 {
				return
			}
			if !o.one(pid) {
				return
			}
		}
	})
}

// leave leaves all children to others from now on: this process may have some of its own.
func (o *orphans) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
}

// one waits for a child that has ended. It reports whether there may be more to do.
func (o *orphans) one(pid int) bool {
	o.mu.Lock()
	if o.over {
		o.mu.Unlock()
		return false
	}
	waited, other := o.others[pid]
	if !other {
		unix.Wait4(pid, nil, unix.WNOHANG, nil)
	}
	delete(o.others, pid) // the number may come again
	o.mu.Unlock()
	if other {
		<-waited
	}
	return true
}
