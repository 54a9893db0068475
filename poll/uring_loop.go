package poll

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// uringConfig is how large a loop's rings are.
type uringConfig struct {
	submissions uint32
	completions uint32
	buffers     int // receive buffers there may be; a power of two
	begin       int // receive buffers there are at first
}

// uringDefaults: the receive buffers become more when they run out, so that a server with few busy
// connections uses few, over and over. A completion queue that overflows is kept by the kernel and
// costs time, nothing else.
var uringDefaults = uringConfig{submissions: 256, completions: 4096, buffers: 1024, begin: 16}

// sendBatch is how many sends are handed over at once. The kernel does a send while it is handed
// over, so in a larger batch the first reply waits longer for the last to be computed; in a smaller
// one the system call weighs more.
const sendBatch = 16

// Kinds of operations, the upper half of a submission's user data. The lower is the connection.
const (
	opIgnore uint64 = iota << 32 // nothing follows, whatever comes of it
	opWake
	opAccept
	opReceive
	opSend
)

// uringLoop is a loop on completions. Every call on a socket but the end of writing (shutdown) goes
// through the ring, and one io_uring_enter hands over what there is to do and waits for what is
// done.
type uringLoop struct {
	*base
	config  uringConfig
	ring    *sys.Uring
	buffers *sys.UringBuffers
	given   int      // buffers the kernel has, or has filled
	spare   []uint16 // buffers that were taken from it again
	made    int      // buffers that were ever given
	// unbounded is set on a kernel that takes no bound for a receive.
	unbounded bool

	slots    table[uringSlot]
	out      outBuffers
	backlogs backlogs
	pace     pace
	sends    int // since the last time submissions were handed over

	accepting bool    // a multishot accept is in flight
	waiting   []int32 // accepted while MaxConns were served already
	counted   bool    // the pause was counted, and nothing has been accepted since
	waking    bool    // a poll of the eventfd is in flight
	lookAt    int64   // when to look after the receives; 0: no need
	unlistens bool    // the accept is ended, for good
	ending    bool
}

func newUringLoop(b *base, c uringConfig) runner { return &uringLoop{base: b, config: c} }

func (u *uringLoop) open() (err error) {
	if u.ring, err = sys.NewUring(u.config.submissions, u.config.completions); err != nil {
		return err
	}
	if u.buffers, err = sys.NewUringBuffers(u.ring, 0, u.config.buffers,
		switchyard.InSize); err != nil {
		return err
	}
	u.moreBuffers(u.config.begin)
	return u.out.open()
}

func (u *uringLoop) close() {
	if u.ring != nil {
		u.ring.Close()
	}
	if u.buffers != nil {
		u.buffers.Close()
	}
	u.out.close()
}

// moreBuffers brings the receive buffers to n.
func (u *uringLoop) moreBuffers(n int) {
	for ; u.given < min(n, u.buffers.Len()); u.given++ {
		if last := len(u.spare) - 1; last >= 0 {
			u.buffers.Give(u.spare[last])
			u.spare = u.spare[:last]
			continue
		}
		u.buffers.Give(uint16(u.made))
		u.made++
	}
}

// keepBuffers is how many receive buffers, 16 KiB each, are kept whatever there is to do.
const keepBuffers = 64

// giveBack is for a receive buffer that has been read. There are two for each connection at most: a
// receive fills no more before it is asked for again.
func (u *uringLoop) giveBack(id uint16) {
	if u.given > max(keepBuffers, 2*u.live) {
		u.retire(id)
		return
	}
	u.buffers.Give(id)
}

// retire gives the memory of a buffer that the kernel has not to the system.
func (u *uringLoop) retire(id uint16) {
	u.given--
	u.buffers.Drop(id)
	u.spare = append(u.spare, id)
}

// fewerBuffers takes buffers back when no connection is left: no receive is in flight then.
func (u *uringLoop) fewerBuffers() {
	for u.given > keepBuffers {
		u.retire(u.buffers.Take())
	}
}

func (u *uringLoop) run() error {
	defer u.end()
	u.watchWake()
	u.armAccept()
	for {
		how, ns := u.pace.of(u.patience())
		e := u.ring.Wait(how, ns)
		if e != 0 {
			if err := u.enterFailed(e); err != nil {
				return err
			}
		}
		u.sends = 0
		u.pace.came(how, u.reap(), e)
		if u.failure != nil {
			return u.failure
		}
		if !u.endTurn(u) {
			return nil
		}
	}
}

// enterFailed is nil when the loop can go on after an error of io_uring_enter.
func (u *uringLoop) enterFailed(e syscall.Errno) error {
	switch e {
	case syscall.EINTR, syscall.ETIME, syscall.EBUSY:
		return nil
	case syscall.EAGAIN, syscall.ENOMEM:
		sys.Nanosleep(int64(time.Millisecond)) // no memory for a request: try again
		return nil
	}
	return os.NewSyscallError("io_uring_enter", e)
}

// reap works off the completions and returns how many there were.
func (u *uringLoop) reap() int {
	for n := 0; ; n++ {
		if !u.ending && u.cut() {
			return n
		}
		c, ok := u.ring.CQE()
		if !ok {
			return n
		}
		id := int32(uint32(c.UserData))
		switch c.UserData &^ 0xffffffff {
		case opReceive:
			u.received(id, c)
		case opSend:
			u.sent(id, c.Res)
		case opAccept:
			u.accepted(c)
		case opWake:
			u.waking = false
			u.clearWake()
			if !u.ending {
				u.watchWake()
			}
		}
	}
}

// sqe is an empty submission.
func (u *uringLoop) sqe() *sys.UringSQE {
	for {
		if s := u.ring.SQE(); s != nil {
			return s
		}
		u.submit()
	}
}

// submit hands over what there is to do, without waiting.
func (u *uringLoop) submit() {
	u.sends = 0
	switch u.ring.Submit() {
	case syscall.EAGAIN, syscall.EBUSY, syscall.ENOMEM:
		sys.Nanosleep(int64(time.Millisecond))
	}
}

func (u *uringLoop) expire(id int32, serial uint32) {
	if s := u.slots.at(id); s.serial == serial && s.flags&uOpen != 0 {
		u.hangUp(id, s)
	}
}

func (u *uringLoop) drain() {
	for id := range u.slots.top {
		if s := u.slots.at(id); s.flags&uOpen != 0 {
			u.settle(id, s)
		}
	}
}

// watchWake waits for the eventfd.
func (u *uringLoop) watchWake() {
	s := u.sqe()
	s.Opcode, s.FD, s.OpFlags, s.UserData = sys.UringPollAdd, int32(u.wake), unix.POLLIN, opWake
	u.waking = true
}

// armAccept asks for all connections to come.
func (u *uringLoop) armAccept() {
	s := u.sqe()
	s.Opcode, s.Ioprio, s.FD, s.UserData = sys.UringAccept, sys.UringAcceptMultishot,
		int32(u.listener.fd), opAccept
	// Not SOCK_NONBLOCK: on such a socket io_uring gives EAGAIN instead of waiting.
	s.OpFlags = unix.SOCK_CLOEXEC
	u.accepting = true
}

// stopAccept ends the multishot accept.
func (u *uringLoop) stopAccept() {
	if u.accepting {
		u.cancel(opAccept)
	}
}

// cancel ends the operation with that user data. It completes with ECANCELED, unless it was
// completing already.
func (u *uringLoop) cancel(userData uint64) {
	s := u.sqe()
	s.Opcode, s.Flags, s.Addr, s.UserData = sys.UringAsyncCancel, sys.UringSQECQESkipSuccess,
		userData, opIgnore
}

// accepted takes a connection, or the end of accepting.
func (u *uringLoop) accepted(c sys.UringCQE) {
	if c.Flags&sys.UringCQEMore == 0 {
		u.accepting = false
	}
	switch {
	case u.ending:
		if c.Res >= 0 {
			sys.RawClose(int(c.Res))
		}
		return
	case c.Res < 0:
		switch e := syscall.Errno(-c.Res); {
		case e == syscall.ECANCELED: // by stopAccept
		case sys.AcceptMeans(e) == sys.AcceptPause:
			u.pause()
		case sys.AcceptMeans(e) == sys.AcceptFailed:
			u.acceptFailed(e)
			return
		}
	case !u.srv.reserve():
		// A multishot accept does not stop at a number: what it took beyond waits here as it would
		// have in the kernel's queue.
		u.waiting = append(u.waiting, c.Res)
		u.pause()
	default:
		u.begin(c.Res)
	}
	if c.Res >= 0 {
		u.due--
	}
	if !u.accepting && !u.paused && !u.unlistens {
		u.armAccept()
	}
}

// pause accepts no more for a while: a limit on connections, descriptors or memory is reached.
func (u *uringLoop) pause() {
	u.resumeAt = u.srv.now() + int64(switchyard.Pause)
	if !u.paused {
		u.paused = true
		if !u.counted {
			u.count.Paused.Add(1)
			u.counted = true
		}
		u.stopAccept()
	}
}

// resume ends a pause, unless its reason stands: it is the same pause then. A lack of descriptors
// shows only when the accept is armed again.
func (u *uringLoop) resume() {
	u.resumeAt = u.srv.now() + int64(switchyard.Pause)
	for len(u.waiting) > 0 {
		if !u.srv.reserve() {
			return
		}
		fd := u.waiting[0]
		u.waiting = u.waiting[1:]
		u.begin(fd)
	}
	if u.srv.full() {
		return
	}
	u.paused = false
	if !u.accepting && !u.unlistens { // else it is being cancelled, and armed when it has ended
		u.armAccept()
	}
}

// unlisten accepts no more at all.
func (u *uringLoop) unlisten() {
	if u.listener == nil {
		return
	}
	u.unlistens = true
	u.stopAccept()
	if u.ending {
		for _, fd := range u.waiting {
			sys.RawClose(int(fd))
		}
		u.waiting = nil
	} else if u.accepting || len(u.waiting) > 0 {
		return // they are served first
	}
	u.paused = false
	u.stopAccepting()
}

// end closes everything. The kernel uses descriptors and buffers until each operation has
// completed, so all are cancelled and waited for: else the listener's address, say, might be taken
// for a while still.
func (u *uringLoop) end() {
	u.ending = true
	u.unlisten()
	for id := range u.slots.top {
		if s := u.slots.at(id); s.flags&uOpen != 0 {
			u.hangUp(id, s)
		}
	}
	for limit := u.srv.now() + int64(5*time.Second); (u.live > 0 || u.accepting || u.waking) &&
		u.srv.now() < limit; {
		s := u.sqe()
		s.Opcode, s.OpFlags = sys.UringAsyncCancel, sys.UringCancelAny|sys.UringCancelAll
		s.Flags, s.UserData = sys.UringSQECQESkipSuccess, opIgnore
		if e := u.ring.Wait(sys.LetGo, int64(20*time.Millisecond)); e != 0 &&
			u.enterFailed(e) != nil {
			break
		}
		u.reap()
	}
	u.submit() // the closes
}
