package fork

import (
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// Child makes a program fit to run fork/exec servers. Call it first thing in main (or TestMain),
// before flags are read: in a copy of the program, or in switchyard-child, that such a server
// started for a connection it serves that connection, which is descriptor 0, and ends the process.
// In any other process it returns at once.
func Child() {
	childCalled.Store(true)
	if len(os.Args) == 2 && os.Args[0] == execName && os.Args[1] == buildWord {
		os.Stdout.WriteString(thisBuild())
		os.Exit(0)
	}
	if len(os.Args) != 4 || os.Args[0] != execName {
		return
	}
	file, err1 := strconv.Atoi(os.Args[1])
	slots, err2 := strconv.Atoi(os.Args[2])
	slot, err3 := strconv.Atoi(os.Args[3])
	if err1 != nil || err2 != nil || err3 != nil || slot < 0 || slot >= slots {
		return
	}
	memory, err := sys.MapFile(file, regionSize(slots))
	if err != nil {
		return
	}
	unix.Close(file)
	r := newRegion(memory, slots)
	if r.board.magic != boardMagic {
		return
	}
	runtime.LockOSThread()
	// Again: the exec of a file with capabilities has taken it back (prctl(2)).
	sys.RawDieWithParent(int(r.board.parent))
	sys.SetName("sy-conn")
	serveExec(r.board, &r.slots[slot])
	// The parent, which reaps the process, counts the connection as closed.
	sys.RawExit(0)
}

// serveExec is worker.talk for a process with a Go runtime of its own: the same, but with calls
// that tell the scheduler when they block.
func serveExec(b *board, s *slot) {
	const fd = 0
	sys.RawInterruptible()
	sys.RawUnblockInterrupt()
	s.interrupt.Store(uint32(sys.Gettid()))
	h := switchyard.Handler{Protocol: switchyard.Protocol(b.protocol), SpinsPerMilli: b.spins}
	var c switchyard.Conn
	buffer, out := make([]byte, switchyard.InSize), make([]byte, switchyard.OutSize)
	var deadline int64
	for {
		var n int
		var e syscall.Errno
		switch {
		case deadline != 0:
			left := deadline - sys.RawMonotonic()
			if left <= 0 {
				return
			}
			sys.RawRecvTimeout(fd, left)
			n, e = sys.ReadOnce(fd, buffer)
		case b.draining.Load() == 0 || !c.Idle():
			n, e = sys.ReadOnce(fd, buffer)
		default:
			n, e = sys.RawRecvfrom(fd, buffer, unix.MSG_DONTWAIT)
		}
		if e == syscall.EINTR {
			continue
		}
		if e != 0 || n <= 0 {
			return
		}
		in := buffer[:n]
		for again := true; again; {
			took, put, do := h.Step(&c, in, out)
			s.requests = c.Requests()
			in = in[took:]
			for rest := out[:put]; len(rest) > 0; {
				n, e := sys.Sendto(fd, rest, unix.MSG_NOSIGNAL)
				if e != 0 {
					return
				}
				rest = rest[n:]
			}
			switch do {
			case switchyard.ActRead:
				again = false
			case switchyard.ActSleep:
				sys.Nanosleep(c.SleepNanos())
			case switchyard.ActCrash:
				sys.Crash()
			case switchyard.ActClose:
				return
			case switchyard.ActHalfClose:
				sys.RawShutdown(fd, unix.SHUT_WR)
				deadline = sys.RawMonotonic() + int64(switchyard.Linger)
			}
		}
	}
}
