package poll

import "time"

// A multishot receive that has had input can miss what follows: a reset that comes right behind it,
// or an end, is one event with it for the kernel, and the receive goes on waiting for ever
// (github.com/axboe/liburing/issues/1549; on 6.18, TestResetBehindInput). So one that had input,
// and then none for a while, is asked for anew, once: a new one begins by receiving.

// lookTime is how long a receive must have been quiet, and how often they are looked at.
const lookTime = time.Second

// lookLater is for a receive that has had input.
func (u *uringLoop) lookLater() {
	if u.lookAt == 0 {
		u.lookAt = u.srv.now() + int64(lookTime)
	}
}

// patience is how long the next wait may block: timeout, but for the receives, which it looks after
// if it is time.
func (u *uringLoop) patience() int64 {
	ns := u.timeout()
	if u.lookAt == 0 {
		return ns
	}
	left := u.lookAt - u.srv.now()
	if left <= 0 {
		u.lookAt = 0
		if !u.look() {
			return ns
		}
		u.lookLater()
		left = int64(lookTime)
	}
	return earlier(ns, left)
}

// look looks after the receives, and reports whether it must again.
func (u *uringLoop) look() (again bool) {
	for id := range u.slots.top {
		s := u.slots.at(id)
		switch {
		case s.flags&(uOpen|uReceiving|uStopping|uClosing) != uOpen|uReceiving:
		case s.flags&uHeard != 0:
			s.flags = s.flags&^uHeard | uQuiet
			again = true
		case s.flags&uQuiet == 0:
		case s.flags&uSending != 0: // that notices, too
			again = true
		default:
			s.flags &^= uQuiet
			u.stopReceive(id, s) // when it has ended the next one begins
		}
	}
	return again
}
