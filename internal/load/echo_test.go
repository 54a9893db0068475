package load

import (
	"io"
	"net"
	"testing"
)

func echo(s *server, c net.Conn) { io.Copy(c, c) }

func TestEcho(t *testing.T) {
	s := serve(t, echo)
	for _, n := range []int{0, 1, 1000, 5 << 20} {
		for _, rate := range []float64{0, 50} {
			r := run(t, Config{Target: "echo://" + s.addr, EchoBytes: n, Rate: rate, Clients: 2})
			clean(t, r)
			if want := r.Sent * uint64(r.Options.EchoBytes); r.Bytes.Written != want ||
				r.Bytes.Read != want {
				t.Errorf("%d bytes: wrote %d and read %d, want %d", n, r.Bytes.Written,
					r.Bytes.Read, want)
			}
		}
	}
}

func TestWrongEchoIsBad(t *testing.T) {
	s := serve(t, func(s *server, c net.Conn) {
		b := make([]byte, 100)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			b[n-1] ^= 1
			c.Write(b[:n])
		}
	})
	only(t, run(t, Config{Target: "echo://" + s.addr}), BadResponse)
	more := serve(t, func(s *server, c net.Conn) {
		io.WriteString(c, "welcome\n")
		io.Copy(c, c)
	})
	r := run(t, Config{Target: "echo://" + more.addr, RequestsPerConn: 1})
	only(t, r, BadResponse)
}
