package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A dialer opens connections to one address.
//
// A connection that its client closed keeps its local port in TIME_WAIT, for a second on loopback
// (net.ipv4.tcp_tw_reuse) and a minute elsewhere, and long before the ports run out connect(2)
// spends milliseconds looking for a free one. So connections inside 127.0.0.0/8 come from where the
// kernel chooses only at first: every changeSource connections, or when the ports are used up, the
// dialer goes on to 127.0.0.2, 127.0.0.3 and so on, and around. Elsewhere ports that are used up
// are an error.
type dialer struct {
	domain   int
	sa       unix.Sockaddr
	loopback bool
	noDelay  bool // a request may need more than one segment, and Nagle would hold back the last
	source   byte // connections come from 127.0.0.(1+source); 0 leaves it to the kernel
	widest   byte // largest source so far
	opens    int  // since the source changed
}

const (
	maxSource    = 63   // local addresses used, beside the first
	changeSource = 4096 // connections: a third of the ports connect looks at first
)

func newDialer(ap netip.AddrPort, requestBytes int) (dialer, error) {
	d := dialer{noDelay: requestBytes > 1024}
	a := ap.Addr()
	if a.Is4() {
		d.domain = unix.AF_INET
		d.sa = &unix.SockaddrInet4{Port: int(ap.Port()), Addr: a.As4()}
		d.loopback = a.IsLoopback()
		return d, nil
	}
	sa := &unix.SockaddrInet6{Port: int(ap.Port()), Addr: a.As16()}
	if z := a.Zone(); z != "" {
		ifi, err := net.InterfaceByName(z)
		if err != nil {
			return d, usagef("target address %s: no interface %q", a, z)
		}
		sa.ZoneId = uint32(ifi.Index)
	}
	d.domain, d.sa = unix.AF_INET6, sa
	return d, nil
}

// open starts a connection that does not block and closes on exec. The caller owns the descriptor.
// On loopback the handshake is usually complete.
func (d *dialer) open() (int, syscall.Errno) {
	if d.opens++; d.opens > changeSource && d.loopback {
		d.nextSource()
	}
	for tries := 0; ; tries++ {
		fd, e := d.try()
		if e != unix.EADDRNOTAVAIL || !d.loopback || tries > maxSource {
			return fd, e
		}
		d.nextSource()
	}
}

func (d *dialer) nextSource() {
	d.opens = 0
	d.source = (d.source + 1) % (maxSource + 1)
	d.widest = max(d.widest, d.source)
}

func (d *dialer) try() (int, syscall.Errno) {
	fd, err := unix.Socket(d.domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, errno(err)
	}
	if d.source > 0 {
		// The kernel picks the port at connect, when it knows the peer: ports then have to be
		// unique per pair of addresses only.
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1 + d.source}})
		}
	}
	if err == nil && d.noDelay {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err == nil {
		if err = unix.Connect(fd, d.sa); err == unix.EINPROGRESS || err == unix.EINTR {
			err = nil
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, errno(err)
	}
	return fd, 0
}

func errno(err error) syscall.Errno {
	if e, ok := err.(syscall.Errno); ok {
		return e
	}
	return unix.EIO
}

// first makes the first connection and waits for it, so that a target that cannot be reached is one
// clear error and not a table of them. Of several addresses it takes the first that answers.
func first(ctx context.Context, addrs []netip.AddrPort, requestBytes int,
	timeout time.Duration) (fd int, ap netip.AddrPort, d dialer, err error) {
	for _, ap = range addrs {
		if d, err = newDialer(ap, requestBytes); err != nil {
			return -1, ap, d, err
		}
		var e syscall.Errno
		if fd, e = d.open(); e == 0 {
			if e, err = awaitConnect(ctx, fd, timeout); e == 0 && err == nil {
				return fd, ap, d, nil
			}
			unix.Close(fd)
			if err != nil {
				return -1, ap, d, err
			}
		}
		err = fmt.Errorf("connect to %s: %w%s", ap, e, connectRemedy(e))
	}
	return -1, ap, d, err
}

// awaitConnect waits until the connection is established or failed.
func awaitConnect(ctx context.Context, fd int, timeout time.Duration) (syscall.Errno, error) {
	end := time.Now().Add(timeout)
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		left := time.Until(end)
		if left <= 0 {
			return unix.ETIMEDOUT, nil
		}
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(p, int(min(left, 50*time.Millisecond)/time.Millisecond)+1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return 0, os.NewSyscallError("poll", err)
		}
		if n > 0 {
			return socketError(fd), nil
		}
	}
}

// socketError takes the pending error of a socket (SO_ERROR).
func socketError(fd int) syscall.Errno {
	v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return errno(err)
	}
	return syscall.Errno(v)
}

func connectRemedy(e syscall.Errno) string {
	switch e {
	case unix.ECONNREFUSED:
		return " (nothing listens there: start the server, or check address and port)"
	case unix.ETIMEDOUT:
		return " (no answer: check the address and any firewall on the way)"
	case unix.ENETUNREACH, unix.EHOSTUNREACH:
		return " (check the address and the routes)"
	case unix.EADDRNOTAVAIL:
		return " (no local port is free: wait for TIME_WAIT to pass, or widen net.ipv4.ip_local_port_range)"
	case unix.EMFILE, unix.ENFILE:
		return " (out of file descriptors: raise ulimit -n)"
	}
	return ""
}
