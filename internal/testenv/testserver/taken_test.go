package testserver

import (
	"net"
	"testing"

	"switchyard/internal/testenv"
)

// What is sent and not read is told from what was read.
func TestTaken(t *testing.T) {
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
	for range 3 {
		if !Taken(c) {
			t.Error("nothing was sent, and it is not read")
		}
		if _, err := c.Write(make([]byte, 7)); err != nil {
			t.Fatal(err)
		}
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
