package poll

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
)

// A client that sends far more than is read in one turn, and then nothing, is answered in full:
// what is left is not forgotten for want of another event.
func TestLongPipelineThenSilence(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{})
		c := r.dial()
		const n = 20_000 // 360 kB of requests, 1.6 MB of replies
		go io.WriteString(c, strings.Repeat(request, n))
		for i := range n {
			if err := c.reply(); err != nil {
				t.Fatalf("reply %d of %d: %v", i, n, err)
			}
		}
		c.Close()
		testenv.Eventually(t, "requests are counted", func() bool {
			return r.count.Requests.Load() == n
		})
	})
}

// Clients that do not read are not served, and cost the others nothing.
func TestClientsThatDoNotRead(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{Workers: 2})
		const clients, n, extra = 8, 12 << 20, 2000
		var slow []*client
		for range clients {
			c := r.dial()
			// A pipeline behind a reply that does not fit any socket's buffer.
			c.send(fmt.Sprintf("GET /bytes?n=%d HTTP/1.1\r\n\r\n", n))
			c.send(strings.Repeat(request, extra))
			slow = append(slow, c)
		}
		for range 20 {
			r.dial().get()
		}
		var wg sync.WaitGroup
		for _, c := range slow {
			wg.Go(func() {
				_, length, err := c.head()
				if err != nil || length != n {
					t.Errorf("length %d: %v", length, err)
					return
				}
				if _, err := io.CopyN(io.Discard, c.r, n); err != nil {
					t.Error(err)
					return
				}
				for i := range extra {
					if err := c.reply(); err != nil {
						t.Errorf("reply %d behind the long one: %v", i, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

// One client that takes all it can get does not keep others waiting.
func TestGreedyClient(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{Workers: 1})
		greedy := r.dial()
		greedy.send("GET /bytes?n=1073741824 HTTP/1.1\r\n\r\n")
		var got int64
		end := make(chan struct{})
		go func() {
			defer close(end)
			got, _ = io.Copy(io.Discard, greedy.r)
		}()
		for range 10 {
			r.dial().get()
		}
		greedy.CloseWrite()
		greedy.SetDeadline(time.Now()) // enough
		<-end
		if got >= 1<<30 {
			t.Errorf("the greedy client had its whole reply, %d bytes, before ten short ones", got)
		}
	})
}
