package testserver

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Taken reports whether the other end of a TCP connection on this machine has read all that was
// sent to it: its socket's queue is empty. What loopback has not delivered yet when a write returns
// there is none.
func Taken(c net.Conn) bool {
	_, queue, ok := otherEnd(c)
	return !ok || queue == 0
}

// HungUp reports whether the other end of a TCP connection on this machine has heard that this one
// was closed.
func HungUp(c net.Conn) bool {
	const established, finWait1, finWait2 = 1, 4, 5 // include/net/tcp_states.h
	state, _, ok := otherEnd(c)
	return !ok || state != established && state != finWait1 && state != finWait2
}

// otherEnd returns the state of the other end of a connection, and how many bytes wait to be read
// there, which is tcp_sock's rcv_nxt less copied_seq; not ok when it is gone.
func otherEnd(c net.Conn) (state, queue uint64, ok bool) {
	if state, queue, err := diagnose(c.RemoteAddr(), c.LocalAddr()); err == nil {
		return state, queue, true
	}
	return inTable(c.RemoteAddr(), c.LocalAddr())
}

// inTable looks a connection up in /proc/net/tcp (proc_pid_net(5)), as diagnose does.
func inTable(at, peer net.Addr) (state, queue uint64, ok bool) {
	there, here := hexAddr(at), hexAddr(peer)
	table, _ := os.ReadFile("/proc/thread-self/net/tcp")
	for line := range strings.Lines(string(table)) {
		// sl local_address rem_address st tx_queue:rx_queue …
		f := strings.Fields(line)
		if len(f) < 5 || f[1] != there || f[2] != here {
			continue
		}
		state, _ = strconv.ParseUint(f[3], 16, 8)
		_, unread, _ := strings.Cut(f[4], ":")
		queue, _ = strconv.ParseUint(unread, 16, 64)
		return state, queue, true
	}
	return 0, 0, false
}

// hexAddr is an address as the table has it: the bytes of a 32-bit word of this machine, and the
// port.
func hexAddr(a net.Addr) string {
	p := netip.MustParseAddrPort(a.String())
	ip := p.Addr().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(ip[:]), p.Port())
}
