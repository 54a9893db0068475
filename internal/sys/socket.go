package sys

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// ListenConfig says what kind of listening socket Listen makes.
type ListenConfig struct {
	// length of the accept queue; 0 is 4096. The kernel caps it at net.core.somaxconn
	Backlog int
	// O_NONBLOCK, which lives in the open file description and so in every process that shares it
	NonBlock  bool
	ReusePort bool // SO_REUSEPORT: several sockets may listen on one address
}

// Listen makes a TCP socket that listens on addr (socket(2), bind(2), listen(2)), an IP address and
// a port; port 0 picks one. The socket closes on exec and carries TCP_NODELAY, which accepted
// connections inherit. The caller owns the descriptor. A port below
// net.ipv4.ip_unprivileged_port_start needs CAP_NET_BIND_SERVICE.
func Listen(addr string, c ListenConfig) (fd int, bound netip.AddrPort, err error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return -1, bound, fmt.Errorf("listen on %q: want an IP address and a port, such as 127.0.0.1:8080",
			addr)
	}
	domain, sa, err := sockaddr(ap)
	if err != nil {
		return -1, bound, fmt.Errorf("listen on %s: %w", addr, err)
	}
	typ := unix.SOCK_STREAM | unix.SOCK_CLOEXEC
	if c.NonBlock {
		typ |= unix.SOCK_NONBLOCK
	}
	fd, err = unix.Socket(domain, typ, 0)
	if err != nil {
		return -1, bound, fmt.Errorf("listen on %s: %w%s", addr, os.NewSyscallError("socket", err),
			listenRemedy(err))
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
			fd = -1
		}
	}()
	opts := []struct {
		level, opt int
	}{{unix.SOL_SOCKET, unix.SO_REUSEADDR}, {unix.IPPROTO_TCP, unix.TCP_NODELAY}}
	if c.ReusePort {
		opts = append(opts, struct{ level, opt int }{unix.SOL_SOCKET, unix.SO_REUSEPORT})
	}
	for _, o := range opts {
		if err = unix.SetsockoptInt(fd, o.level, o.opt, 1); err != nil {
			return fd, bound, fmt.Errorf("listen on %s: %w", addr,
				os.NewSyscallError("setsockopt", err))
		}
	}
	if err = unix.Bind(fd, sa); err != nil {
		return fd, bound, fmt.Errorf("listen on %s: %w%s", addr, os.NewSyscallError("bind", err),
			listenRemedy(err))
	}
	backlog := c.Backlog
	if backlog <= 0 {
		backlog = 4096
	}
	if err = unix.Listen(fd, backlog); err != nil {
		return fd, bound, fmt.Errorf("listen on %s: %w%s", addr, os.NewSyscallError("listen", err),
			listenRemedy(err))
	}
	got, err := unix.Getsockname(fd)
	if err != nil {
		return fd, bound, fmt.Errorf("listen on %s: %w", addr,
			os.NewSyscallError("getsockname", err))
	}
	bound = addrPort(got)
	return fd, netip.AddrPortFrom(bound.Addr().WithZone(ap.Addr().Zone()), bound.Port()), nil
}

func listenRemedy(err error) string {
	switch err {
	case unix.EADDRINUSE:
		return " (another process listens there: stop it, or use port 0 to have a free one picked)"
	case unix.EACCES:
		return " (use a port above 1023, or run with CAP_NET_BIND_SERVICE)"
	case unix.EADDRNOTAVAIL:
		return " (no interface of this machine has that address)"
	case unix.EMFILE, unix.ENFILE:
		return " (out of file descriptors: raise ulimit -n)"
	case unix.EAFNOSUPPORT:
		return " (this machine has no IPv6: listen on an IPv4 address)"
	}
	return ""
}

func sockaddr(ap netip.AddrPort) (domain int, sa unix.Sockaddr, err error) {
	a := ap.Addr()
	if a.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: a.As4()}, nil
	}
	in6 := &unix.SockaddrInet6{Port: int(ap.Port()), Addr: a.As16()}
	if zone := a.Zone(); zone != "" {
		i, err := interfaceIndex(zone)
		if err != nil {
			return 0, nil, fmt.Errorf("no interface %q: %w", zone, err)
		}
		in6.ZoneId = i
	}
	return unix.AF_INET6, in6, nil
}

// interfaceIndex asks the kernel (netdevice(7), SIOCGIFINDEX). Package net could tell too, but
// makes a program of cgo out of one that need not be.
func interfaceIndex(name string) (uint32, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return 0, unix.ENODEV // too long for a name
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request); err != nil {
		return 0, os.NewSyscallError("ioctl", err)
	}
	return request.Uint32(), nil
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// Queued is how many connections wait in a listener's accept queue: what TCP_INFO calls unacked of
// a socket that listens (tcp_get_info in net/ipv4/tcp.c). It is 0 of a socket that does not.
func Queued(listener int) int {
	info, err := unix.GetsockoptTCPInfo(listener, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil || info.State != tcpListen {
		return 0
	}
	return int(info.Unacked)
}

// tcpListen is TCP_LISTEN of include/net/tcp_states.h.
const tcpListen = 10

// Close closes a descriptor (close(2)).
func Close(fd int) error { return os.NewSyscallError("close", unix.Close(fd)) }
