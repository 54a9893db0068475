package poll

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"switchyard"
	"switchyard/internal/testenv"
)

// Peers that vanish in the middle of anything disturb nobody.
func TestResets(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{Workers: 2})
		witness := r.dial()
		for i := range 40 {
			c := r.dial()
			switch i % 4 {
			case 0:
				c.send("GET / HT")
			case 1:
				c.send("GET /bytes?n=50000000 HTTP/1.1\r\n\r\n")
				if _, _, err := c.head(); err != nil {
					t.Fatal(err)
				}
			case 2:
				c.send("GET /bytes?n=50000000 HTTP/1.1\r\n\r\n" + strings.Repeat(request, 3000))
			}
			c.SetLinger(0) // closing resets
			c.Close()
			if i%8 == 0 {
				witness.get()
			}
		}
		witness.get()
		testenv.Eventually(t, "only the witness is open", func() bool {
			return r.count.Active() == 1
		})
	})
}

// A reset right behind input is noticed, however close.
func TestResetBehindInput(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{})
		witness := r.dial()
		witness.get()
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() {
				for range 3001 {
					c, err := net.DialTimeout("tcp", r.addr, patience)
					if err != nil {
						t.Error(err)
						return
					}
					io.WriteString(c, "GET / HT")
					c.(*net.TCPConn).SetLinger(0)
					c.Close()
				}
			})
		}
		clients.Wait()
		witness.get()
		testenv.Eventually(t, "only the witness is open", func() bool {
			return r.count.Active() == 1
		})
	})
}
