package testserver

import (
	"net"
	"testing"

	"switchyard/internal/testenv"
)

// What is sent and not read is told from what was read, by both who know.
func TestTaken(t *testing.T) {
	waiting := map[string]func(at, peer net.Addr) (uint64, bool){
		"diagnose": func(at, peer net.Addr) (uint64, bool) {
			_, n, err := diagnose(at, peer)
			return n, err == nil
		},
		"table": func(at, peer net.Addr) (uint64, bool) {
			_, n, ok := inTable(at, peer)
			return n, ok
		},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := diagnose(s.LocalAddr(), c.LocalAddr()); err != nil {
		t.Logf("the table alone is asked here: %v", err)
		delete(waiting, "diagnose")
	}
	are := func(want uint64) {
		t.Helper()
		for name, f := range waiting {
			if n, ok := f(s.LocalAddr(), c.LocalAddr()); n != want || !ok {
				t.Errorf("%s: %d bytes, %t; want %d", name, n, ok, want)
			}
		}
	}
	for range 3 {
		are(0)
		if !Taken(c) {
			t.Error("nothing was sent, and it is not read")
		}
		if _, err := c.Write(make([]byte, 7)); err != nil {
			t.Fatal(err)
		}
		are(7)
		if Taken(c) {
			t.Error("nobody has read it, and it is taken")
		}
		if _, err := s.Read(make([]byte, 9)); err != nil {
			t.Fatal(err)
		}
	}
	if HungUp(c) {
		t.Error("nobody has closed it, and it is hung up")
	}
	c.Close()
	testenv.Eventually(t, "the other end has heard of the close", func() bool { return HungUp(c) })
}
