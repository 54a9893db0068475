package sys

import (
	"slices"
	"syscall"
	"testing"
)

// Each errno there is has one meaning, and what is not known is a failure: a design that goes on
// after one would try for ever.
func TestAcceptMeans(t *testing.T) {
	next := []syscall.Errno{syscall.EINTR, syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EPROTO,
		syscall.ENETDOWN, syscall.ENOPROTOOPT,
		syscall.EHOSTDOWN, syscall.ENONET, syscall.EHOSTUNREACH, syscall.EOPNOTSUPP,
		syscall.ENETUNREACH, syscall.ETIMEDOUT}
	pause := []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.ENOSR, syscall.EPERM, syscall.EACCES}
	for e := syscall.Errno(1); e < 4096; e++ {
		want := AcceptFailed
		switch {
		case slices.Contains(next, e):
			want = AcceptNext
		case slices.Contains(pause, e):
			want = AcceptPause
		case e == syscall.EAGAIN:
			want = AcceptNone
		}
		if got := AcceptMeans(e); got != want {
			t.Errorf("%d (%v) means %d, want %d", int(e), e, got, want)
		}
	}
}
