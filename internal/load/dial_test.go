package load

import (
	"net"
	"net/http"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

func TestIPv6(t *testing.T) {
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 loopback here: ", err)
	}
	ln.Close()
	srv := &http.Server{Handler: http.NotFoundHandler()}
	ln, err = net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(ln)
	t.Cleanup(func() { srv.Close() })
	for _, per := range []int{0, 1} {
		only(t, run(t, Config{Target: "http://" + ln.Addr().String() + "/", RequestsPerConn: per}),
			Status4xx)
	}
}

func TestNamesAreTriedInTurn(t *testing.T) {
	s := serve(t, answering(alwaysOK)) // on 127.0.0.1 only; localhost may be ::1 first
	_, port, _ := net.SplitHostPort(s.addr)
	r := run(t, Config{Target: "http://localhost:" + port + "/"})
	clean(t, r)
	if r.Address != s.addr {
		t.Errorf("the address is %s, want %s", r.Address, s.addr)
	}
}

func TestLocalAddressesChangeUnderChurn(t *testing.T) {
	d, err := newDialer(netip.MustParseAddrPort(serve(t, func(*server, net.Conn) {}).addr), 10)
	if err != nil {
		t.Fatal(err)
	}
	d.opens = changeSource
	for range 2 {
		fd, e := d.open()
		if e != 0 {
			t.Fatal(e)
		}
		unix.Close(fd)
	}
	if d.source != 1 || d.widest != 1 {
		t.Errorf("source %d, widest %d, want 1", d.source, d.widest)
	}
}
