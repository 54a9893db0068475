// Command netpoll answers GET / as switchyard does, on cloudwego/netpoll, which has no HTTP of its
// own: requests are read by the least that still finds where a head ends and what it asks for.
package main

import (
	"bytes"
	"context"
	"errors"
	"log"
	"os"

	"github.com/cloudwego/netpoll"
)

const (
	reply    = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 15\r\n\r\none more served"
	notFound = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
	maxHead  = 8 << 10
)

var errMalformed = errors.New("malformed request")

func serve(_ context.Context, c netpoll.Connection) error {
	r, w := c.Reader(), c.Writer()
	for r.Len() > 0 {
		in, err := r.Peek(r.Len())
		if err != nil {
			return err
		}
		took, out, err := answer(in)
		if err != nil {
			c.Close()
			return err
		}
		if took == 0 {
			// The rest of the head is to come: wait for one byte more.
			if _, err := r.Peek(len(in) + 1); err != nil {
				return err
			}
			continue
		}
		if err := r.Skip(took); err != nil {
			return err
		}
		if _, err := w.WriteString(out); err != nil {
			return err
		}
	}
	return w.Flush()
}

// answer reads one request; took is 0 when it is not whole.
func answer(in []byte) (took int, out string, err error) {
	end := bytes.Index(in, []byte("\r\n\r\n"))
	if end < 0 {
		if len(in) > maxHead {
			return 0, "", errMalformed
		}
		return 0, "", nil
	}
	line := in[:bytes.IndexByte(in, '\r')]
	_, line, ok := bytes.Cut(line, []byte(" "))
	if !ok {
		return 0, "", errMalformed
	}
	target, version, ok := bytes.Cut(line, []byte(" "))
	if !ok || string(version) != "HTTP/1.1" {
		return 0, "", errMalformed
	}
	if string(target) != "/" {
		return end + 4, notFound, nil
	}
	return end + 4, reply, nil
}

func main() {
	l, err := netpoll.CreateListener("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	loop, err := netpoll.NewEventLoop(serve)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(loop.Serve(l))
}
