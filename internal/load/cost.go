package load

import (
	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
)

// A cost is what the calling thread has used so far: getrusage(2) with RUSAGE_THREAD and, where the
// kernel keeps it, the time it was runnable without a CPU (/proc/thread-self/schedstat).
type cost struct {
	user, system int64 // ns
	voluntary    int64 // switches
	involuntary  int64
	waited       int64 // ns; -1 when the kernel does not say
}

func threadCost() cost {
	c := cost{waited: -1}
	var ru unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &ru) == nil {
		c.user, c.system = ru.Utime.Nano(), ru.Stime.Nano()
		c.voluntary, c.involuntary = ru.Nvcsw, ru.Nivcsw
	}
	if d, err := proc.Here.RunDelay(); err == nil {
		c.waited = int64(d)
	}
	return c
}

func (c cost) since(b cost) cost {
	d := cost{c.user - b.user, c.system - b.system, c.voluntary - b.voluntary,
		c.involuntary - b.involuntary, -1}
	if c.waited >= 0 && b.waited >= 0 {
		d.waited = c.waited - b.waited
	}
	return d
}

func (c *cost) add(o cost) {
	c.user += o.user
	c.system += o.system
	c.voluntary += o.voluntary
	c.involuntary += o.involuntary
	if c.waited >= 0 && o.waited >= 0 {
		c.waited += o.waited
	} else {
		c.waited = -1
	}
}
