package load

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

func mustAddr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func closeFD(fd int) { unix.Close(fd) }
