package poll

import (
	"fmt"
	"math/bits"
	"syscall"

	"switchyard"
	"switchyard/internal/sys"
)

func init() {
	d := design{
		name:   "poll/select",
		fits:   selectable,
		runner: func(b *base) runner { return newReadyLoop(b, &selecting{}, acceptBatch, false) },
	}
	switchyard.Register(switchyard.Model{
		Name: d.name,
		Doc: "one loop that waits with " + sys.SelectName +
			": serves descriptors below FD_SETSIZE (1024), refuses the rest",
		Syscalls: []string{sys.SelectName, "accept4", "read", "sendto", "close"},
		Probes:   probes,
		New:      func(o switchyard.Options) (switchyard.Server, error) { return newServer(d, o) },
	})
}

// selecting waits with select(2). Whom to wait for is handed over anew with each call, as a bit for
// each descriptor, and the kernel looks at every descriptor below the highest, each time: the
// call's cost grows with the connections that are open, not with those that have something to say.
//
// A set holds the descriptors below FD_SETSIZE, 1024, because the type fd_set of the C library does
// (select(2), BUGS; POSIX fixes it there). The kernel itself takes sets of any size, up to the
// process's descriptor table (core_sys_select in fs/select.c), but a program that passes one leaves
// what is portable, and one that sets the bit of a higher descriptor in an fd_set writes past its
// end. A connection with such a descriptor is therefore refused: it is closed at once,
// Counters.Refused says so, and the others are served on. Which number a connection gets depends on
// every other descriptor of the process, as the kernel gives the lowest that is free.
type selecting struct {
	read, write sys.FDSet
	nfds        int
	ids         [sys.FDSetSize]int32
	ready       []int32
}

func (p *selecting) open() error {
	p.ready = make([]int32, 0, sys.FDSetSize)
	return nil
}

func (p *selecting) close() {}

func (p *selecting) add(id int32, fd int) syscall.Errno {
	if fd >= sys.FDSetSize {
		return syscall.ERANGE
	}
	p.read.Set(fd)
	p.ids[fd] = id
	p.nfds = max(p.nfds, fd+1)
	return 0
}

func (p *selecting) turn(_ int32, fd int, write bool) {
	if write {
		p.read.Clear(fd)
		p.write.Set(fd)
	} else {
		p.write.Clear(fd)
		p.read.Set(fd)
	}
}

func (p *selecting) remove(_ int32, fd int) {
	p.read.Clear(fd)
	p.write.Clear(fd)
	for p.nfds > 0 && !p.read.Has(p.nfds-1) && !p.write.Has(p.nfds-1) {
		p.nfds--
	}
}

func (p *selecting) wait(how sys.Wait, ms int) ([]int32, syscall.Errno) {
	read, write := p.read, p.write
	n, e := sys.Select(how, p.nfds, &read, &write, ms)
	if e != 0 {
		return nil, e // the sets are undefined then
	}
	ready := p.ready[:0]
	for i := 0; len(ready) < n && i < len(read); i++ {
		for w := read[i] | write[i]; w != 0; w &= w - 1 {
			ready = append(ready, p.ids[i*bits.UintSize+bits.TrailingZeros(w)])
		}
	}
	return ready, 0
}

// selectable is an error if fd cannot be in a set.
func selectable(what string, fd int) error {
	if fd < sys.FDSetSize {
		return nil
	}
	return fmt.Errorf("the %s is descriptor %d, and select holds those below FD_SETSIZE, %d: start the server before so many files are open",
		what, fd, sys.FDSetSize)
}
