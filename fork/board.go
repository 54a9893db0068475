package fork

import (
	"sync/atomic"

	"switchyard/internal/sys"
)

// board is what a server and its children share: one page-aligned mapping that begins with it and
// goes on with the slots. It holds no pointers. Programs that were started with exec map it from a
// descriptor.
type board struct {
	magic    uint32
	protocol uint32
	spins    uint64        // Handler.SpinsPerMilli
	draining atomic.Uint32 // drains, and then unlistens
	lock     uint32        // fork/prefork-futex: see futexLock
	parent   int32         // the server's PID
	_        [36]byte
}

// Values of board.draining, in this order.
const (
	drains    = 1 + iota // answer what has arrived, close, and go on to what waits to be accepted
	unlistens            // nothing waits: end
)

// boardMagic lets a program that was started with exec see that it was given a board.
const boardMagic = 0x73796664

// slot is what one child tells its parent. A cache line of its own keeps children on different CPUs
// apart.
type slot struct {
	// whom the parent may send InterruptSignal: 0 nobody yet, leader, or a TID
	interrupt atomic.Uint32
	open      atomic.Uint32 // 1 while a connection is counted as accepted and not yet as closed
	// answered on that connection; read by the parent once the child is dead
	requests uint64
	failure  atomic.Uint32 // the error for which the child could accept no more
	_        [44]byte
}

// leader in slot.interrupt is a process's only thread.
const leader = ^uint32(0)

const (
	boardSize = 64
	slotSize  = 64
)

// region is the memory behind a board and its slots.
type region struct {
	memory []byte
	board  *board
	slots  []slot
}

// regionSize is the bytes a region with n slots takes.
func regionSize(n int) int { return boardSize + n*slotSize }

// newRegion lays a board and n slots over mapped memory.
func newRegion(memory []byte, n int) region {
	return region{
		memory: memory,
		board:  sys.View[board](memory, 0),
		slots:  sys.ViewSlice[slot](memory, boardSize, n),
	}
}
