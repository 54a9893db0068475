package testserver

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A diagRequest asks for one TCP socket by its two addresses (sock_diag(7)): struct nlmsghdr and
// struct inet_diag_req_v2. Ports and addresses are in the network's order.
type diagRequest struct {
	Header             unix.NlMsghdr
	Family, Protocol   uint8
	Extensions, Unused uint8
	States             uint32
	Port, PeerPort     [2]byte
	Addr, PeerAddr     [16]byte
	Device             uint32
	Cookie             [2]uint32
}

// A diagReply is the begin of its answer: struct nlmsghdr and struct inet_diag_msg.
type diagReply struct {
	Header         unix.NlMsghdr
	Family, State  uint8
	Timer, Retrans uint8
	Port, PeerPort [2]byte
	Addr, PeerAddr [16]byte
	Device         uint32
	Cookie         [2]uint32
	Expires        uint32
	Unread         uint32
}

// errNoAnswer is of a kernel that has no answers of this kind (CONFIG_INET_DIAG), or has no such
// socket: it says the same to both.
var errNoAnswer = errors.New("the kernel tells nothing of such a socket")

// diagnose asks the kernel for the state of the socket at an address that is connected to another,
// and for how many bytes wait to be read there. Unlike the table in /proc, which lists what waits
// after its end (TIME_WAIT) too, it takes no longer where thousands of connections have been.
func diagnose(at, peer net.Addr) (state, queue uint64, err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC,
		unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, 0, err
	}
	defer unix.Close(fd)
	req := diagRequest{
		Header: unix.NlMsghdr{Type: unix.SOCK_DIAG_BY_FAMILY, Flags: unix.NLM_F_REQUEST},
		Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, States: ^uint32(0),
		Cookie: [2]uint32{^uint32(0), ^uint32(0)}, // whichever it is
	}
	req.Header.Len = uint32(binary.Size(req))
	req.Addr, req.Port = inNetworkOrder(at)
	req.PeerAddr, req.PeerPort = inNetworkOrder(peer)
	var buf bytes.Buffer
	binary.Write(&buf, binary.NativeEndian, &req)
	err = unix.Sendto(fd, buf.Bytes(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	if err != nil {
		return 0, 0, err
	}
	var answer [512]byte
	n, _, err := unix.Recvfrom(fd, answer[:], 0)
	if err != nil {
		return 0, 0, err
	}
	var reply diagReply
	_, err = binary.Decode(answer[:n], binary.NativeEndian, &reply)
	// Where there is no such connection, it finds the one that listens.
	if err != nil || reply.Header.Type != unix.SOCK_DIAG_BY_FAMILY ||
		reply.PeerPort != req.PeerPort {
		return 0, 0, errNoAnswer
	}
	return uint64(reply.State), uint64(reply.Unread), nil
}

func inNetworkOrder(a net.Addr) (addr [16]byte, port [2]byte) {
	p := netip.MustParseAddrPort(a.String())
	ip := p.Addr().As4()
	copy(addr[:], ip[:])
	binary.BigEndian.PutUint16(port[:], p.Port())
	return addr, port
}
