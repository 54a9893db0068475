package poll

import (
	"net/netip"
	"sync/atomic"

	"switchyard/internal/sys"
)

// listener is a listening socket that one or more loops accept from. The last that lets go of it
// closes it: were it closed while another still accepts, that one might accept from whatever has
// the number by then.
type listener struct {
	fd    int
	users atomic.Int32
}

func listen(addr string, c sys.ListenConfig, users int) (*listener, netip.AddrPort, error) {
	fd, bound, err := sys.Listen(addr, c)
	if err != nil {
		return nil, bound, err
	}
	l := &listener{fd: fd}
	l.users.Store(int32(users))
	return l, bound, nil
}

func (l *listener) release() {
	if l.users.Add(-1) == 0 {
		sys.RawClose(l.fd)
	}
}
