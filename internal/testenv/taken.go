package testenv

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Taken reports whether the other end of a TCP connection on this machine has read all that was sent to it: its socket's
// queue is empty (/proc/net/tcp, proc_pid_net(5); tcp_sock's rcv_nxt less copied_seq). What loopback has not delivered yet
// when a write returns there is none.
func Taken(c net.Conn) bool {
	here, there := hexAddr(c.LocalAddr()), hexAddr(c.RemoteAddr())
	table, err := os.ReadFile("/proc/thread-self/net/tcp")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(table)) {
		// sl local_address rem_address st tx_queue:rx_queue …
		f := strings.Fields(line)
		if len(f) < 5 || f[1] != there || f[2] != here {
			continue
		}
		_, queue, _ := strings.Cut(f[4], ":")
		n, err := strconv.ParseUint(queue, 16, 64)
		return err == nil && n == 0
	}
	return true // the other end is gone
}

// hexAddr is an address as the table has it: the bytes of a 32-bit word of this machine, and the port.
func hexAddr(a net.Addr) string {
	p := netip.MustParseAddrPort(a.String())
	ip := p.Addr().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(ip[:]), p.Port())
}
