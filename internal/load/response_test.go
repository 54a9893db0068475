package load

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// verdict is everything a client learns from a stream of bytes and its end.
type verdict struct {
	end     outcome
	atClose bool // complete only because the connection closed
	used    int
	status  int
	keep    bool
	body    bodyKind
	interim uint8
}

// readPieces parses s cut at the given places, through the cache or not.
func readPieces(s string, cuts []int, hc *headCache) verdict {
	var r response
	feed := r.feed
	if hc != nil {
		feed = func(b []byte) (int, outcome) { return hc.feed(&r, b) }
	}
	used, o := 0, more
	for _, end := range append(cuts, len(s)) {
		if end < used {
			continue
		}
		for used < end && o == more {
			var n int
			n, o = feed([]byte(s[used:end]))
			used += n
			if n == 0 && o == more {
				panic("no progress")
			}
		}
	}
	v := verdict{end: o, used: used, interim: r.interim}
	if o == more {
		v.end, v.atClose = r.eof(), true
	}
	if v.end == done {
		v.status, v.keep, v.body = r.head.status, r.head.keep, r.head.body
	}
	if v.end == bad {
		v.used = 0 // where it went wrong is known only to the byte-wise parser
	}
	return v
}

func everyByte(s string) (cuts []int) {
	for i := range s {
		cuts = append(cuts, i)
	}
	return cuts
}

var responses = []struct {
	name, in string
	want     verdict // used counts from the end of in
}{
	{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", verdict{end: done, status: 200,
		keep: true, body: bodyLength}},
	{"no reason", "HTTP/1.1 404\r\nContent-Length:0\r\n\r\n", verdict{end: done, status: 404,
		keep: true, body: bodyLength}},
	{"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", verdict{end: done, status: 200,
		keep: true, body: bodyLength}},
	{"the next response is left alone", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP",
		verdict{end: done, used: -len("HTTP"), status: 200, keep: true, body: bodyLength}},
	{"close", "HTTP/1.1 200 OK\r\nconnection: foo , CLOSE\r\nContent-Length: 0\r\n\r\n",
		verdict{end: done, status: 200, body: bodyLength}},
	{"closed is not close", "HTTP/1.1 200 OK\r\nConnection: closed\r\nContent-Length: 0\r\n\r\n",
		verdict{end: done, status: 200, keep: true, body: bodyLength}},
	{"1.0 closes", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", verdict{end: done, status: 200,
		body: bodyLength}},
	{"1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx",
		verdict{end: done, status: 200, keep: true, body: bodyLength}},
	{"to the close", "HTTP/1.0 200 OK\r\n\r\nwhatever", verdict{end: done, atClose: true,
		status: 200, body: bodyToClose}},
	{"204 has no body", "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n",
		verdict{end: done, status: 204, keep: true}},
	{"304 has no body", "HTTP/1.1 304 Not Modified\r\n\r\n", verdict{end: done, status: 304,
		keep: true}},
	{"100 is passed over",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		verdict{end: done, status: 200, keep: true, body: bodyLength, interim: 1}},
	{"103 with headers",
		"HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		verdict{end: done, status: 200, keep: true, body: bodyLength, interim: 1}},
	{"101 is final", "HTTP/1.1 101 Switching Protocols\r\n\r\n", verdict{end: done, status: 101}},
	{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
		verdict{end: done, status: 200, keep: true, body: bodyChunked}},
	{"chunked with a trailer",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n000\r\nA: b\r\n\r\n",
		verdict{end: done, status: 200, keep: true, body: bodyChunked}},
	{"a coding that is not chunked",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nabc",
		verdict{end: done, atClose: true, status: 200, body: bodyToClose}},
	{"chunked wins over a length, and closes",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
		verdict{end: done, status: 200, body: bodyChunked}},
	{"equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
		verdict{end: done, status: 200, keep: true, body: bodyLength}},
	{"folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
		verdict{end: done, status: 200, keep: true, body: bodyLength}},

	{"lengths that disagree", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
		verdict{end: bad}},
	{"list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx", verdict{end: bad}},
	{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", verdict{end: bad}},
	{"empty length", "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", verdict{end: bad}},
	{"two numbers", "HTTP/1.1 200 OK\r\nContent-Length: 1 1\r\n\r\n", verdict{end: bad}},
	{"length too long", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		verdict{end: bad}},
	{"folded length", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 0\r\n\r\n", verdict{end: bad}},
	{"fold first", "HTTP/1.1 200 OK\r\n X: a\r\n\r\n", verdict{end: bad}},
	{"space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n", verdict{end: bad}},
	{"chunk size too long",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
		verdict{end: bad}},
	{"chunk without a size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
		verdict{end: bad}},
	{"chunk longer than it says",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n", verdict{end: bad}},
	{"HTTP/2", "HTTP/2 200\r\n\r\n", verdict{end: bad}},
	{"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", verdict{end: bad}},
	{"status of two digits", "HTTP/1.1 20 OK\r\n\r\n", verdict{end: bad}},
	{"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", verdict{end: bad}},
	{"status zero", "HTTP/1.1 000 OK\r\n\r\n", verdict{end: bad}},

	{"cut in the head", "HTTP/1.1 200 OK\r\nContent-", verdict{end: more, atClose: true}},
	{"cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
		verdict{end: more, atClose: true}},
	{"cut between chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
		verdict{end: more, atClose: true}},
	{"nothing", "", verdict{end: more, atClose: true}},
}

func TestResponse(t *testing.T) {
	var shared headCache // as the loop shares one over all its clients
	for _, c := range responses {
		t.Run(c.name, func(t *testing.T) {
			if c.want.end != bad {
				c.want.used += len(c.in)
			}
			for how, v := range map[string]verdict{
				"whole":          readPieces(c.in, nil, nil),
				"bytes":          readPieces(c.in, everyByte(c.in), nil),
				"whole, cached":  readPieces(c.in, nil, &shared),
				"again, cached":  readPieces(c.in, nil, &shared),
				"pieces, cached": readPieces(c.in, []int{len(c.in) / 2}, &shared),
			} {
				if v != c.want {
					t.Errorf("%s: got %+v, want %+v", how, v, c.want)
				}
			}
		})
	}
}

func TestResponseLimits(t *testing.T) {
	endless := map[string]string{
		"head": "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Filler: 0123456789\r\n", maxHead/20),
		"one":  "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHead+10),
		"trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" +
			strings.Repeat("A: b\r\n", maxHead/5),
		"chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + strings.Repeat("x",
			maxLine) + "\r\n",
		"interim": strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxInterim+1),
	}
	for name, s := range endless {
		if v := readPieces(s, nil, nil); v.end != bad {
			t.Errorf("%s: got %+v, want it refused", name, v)
		}
	}
	// A body has no limit.
	var r response
	if _, o := r.feed([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n")); o !=
		more {
		t.Fatal(o)
	}
	piece := make([]byte, 1<<20)
	for i := range 1 << 20 {
		n, o := r.feed(piece)
		if last := i == 1<<20-1; n != len(piece) || (o == done) != last || o == bad {
			t.Fatalf("piece %d: %d bytes, outcome %d", i, n, o)
		}
	}
}

func TestHeadCacheRemembersOnlyTheSame(t *testing.T) {
	var hc headCache
	a := "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
	b := "HTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\nx"
	for range 3 {
		if v := readPieces(a, nil, &hc); v.status != 200 {
			t.Fatalf("%+v", v)
		}
		if v := readPieces(b, nil, &hc); v.status != 500 {
			t.Fatalf("%+v", v)
		}
	}
	if hc.n == 0 {
		t.Error("nothing was remembered")
	}
}

func FuzzResponse(f *testing.F) {
	for _, c := range responses {
		f.Add(c.in, uint64(1))
	}
	f.Fuzz(func(t *testing.T, s string, seed uint64) {
		want := readPieces(s, nil, nil)
		if want.used > len(s) {
			t.Fatalf("%q: used %d of %d bytes", s, want.used, len(s))
		}
		rng := rand.New(rand.NewPCG(seed, 0))
		var cuts []int
		for i := range s {
			if rng.IntN(4) == 0 {
				cuts = append(cuts, i)
			}
		}
		var hc headCache
		for how, v := range map[string]verdict{
			"bytes":  readPieces(s, everyByte(s), nil),
			"random": readPieces(s, cuts, nil),
			"cache":  readPieces(s, nil, &hc),
			"again":  readPieces(s, nil, &hc),
			"mixed":  readPieces(s, cuts, &hc),
		} {
			if v != want {
				t.Fatalf("%q, %s %v: got %+v, want %+v", s, how, cuts, v, want)
			}
		}
	})
}

func BenchmarkResponse(b *testing.B) {
	in := []byte("HTTP/1.1 200 OK\r\nServer: switchyard\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, world\n")
	b.Run("parsed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var r response
			if _, o := r.feed(in); o != done {
				b.Fatal(o)
			}
		}
	})
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		var hc headCache
		for b.Loop() {
			var r response
			if _, o := hc.feed(&r, in); o != done {
				b.Fatal(o)
			}
		}
	})
}
