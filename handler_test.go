package switchyard

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// drive feeds input to a new connection in pieces of the given sizes, over and over, with an output
// buffer of room bytes, and returns all output and the actions other than reading and writing.
func drive(t testing.TB, h Handler, input []byte, room int, sizes ...int) (string, []Action) {
	t.Helper()
	var c Conn
	var output []byte
	var actions []Action
	out := make([]byte, room)
	if len(sizes) == 0 {
		sizes = []int{len(input)}
	}
	for i := 0; len(input) > 0; i++ {
		n := min(max(1, sizes[i%len(sizes)]), len(input))
		piece := input[:n]
		input = input[n:]
		for again := true; again; {
			took, put, do := h.Step(&c, piece, out)
			if took < 0 || took > len(piece) || put < 0 || put > len(out) {
				t.Fatalf("step took %d of %d, put %d of %d", took, len(piece), put, len(out))
			}
			output = append(output, out[:put]...)
			piece = piece[took:]
			switch do {
			case ActRead:
				if len(piece) > 0 {
					t.Fatalf("step wants more and left %q", piece)
				}
				again = false
			case ActWrite:
				if took == 0 && put == 0 {
					t.Fatalf("step made no progress in phase %d", c.phase)
				}
			case ActClose, ActCrash:
				return string(output), append(actions, do)
			case ActSleep, ActHalfClose:
				actions = append(actions, do)
			default:
				t.Fatalf("unknown action %d", do)
			}
		}
	}
	return string(output), actions
}

func responses(t *testing.T, output string, methods ...string) []*http.Response {
	t.Helper()
	r := bufio.NewReader(strings.NewReader(output))
	var list []*http.Response
	for i := 0; ; i++ {
		if _, err := r.Peek(1); err == io.EOF {
			return list
		}
		method := "GET"
		if i < len(methods) {
			method = methods[i]
		}
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("response %d of %q: %v", i, output, err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("body %d of %q: %v", i, output, err)
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		list = append(list, resp)
	}
}

func TestHTTP(t *testing.T) {
	head := func(n int) string { return strings.Repeat("x", n) }
	for _, test := range []struct {
		name, input string
		status      []int
		last        Action // ActRead: stays open
	}{
		{"root", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", []int{200}, ActRead},
		{"bare newlines", "GET / HTTP/1.1\nHost: a\n\n", []int{200}, ActRead},
		{"empty lines first", "\r\n\r\nGET / HTTP/1.1\r\n\r\n", []int{200}, ActRead},
		{"pipelined", strings.Repeat("GET / HTTP/1.1\r\n\r\n", 5),
			[]int{200, 200, 200, 200, 200}, ActRead},
		{"old", "GET / HTTP/1.0\r\n\r\n", []int{200}, ActClose},
		{"old kept alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", []int{200}, ActRead},
		{"close", "GET / HTTP/1.1\r\nconnection: foo, CLOSE\r\n\r\n", []int{200}, ActClose},
		{"absolute", "GET http://host/bytes?n=3 HTTP/1.1\r\n\r\n", []int{200}, ActRead},
		{"absolute root", "GET http://host HTTP/1.1\r\n\r\n", []int{200}, ActRead},
		{"absolute in capitals", "GET HTTP://HOST/bytes?n=3 HTTP/1.1\r\n\r\n", []int{200}, ActRead},
		{"absolute in both", "GET hTTp://host:80/nothing HTTP/1.1\r\n\r\n", []int{404}, ActRead},
		{"absolute root with a query", "GET http://host?x=/nothing HTTP/1.1\r\n\r\n",
			[]int{200}, ActRead},
		{"absolute with a query", "GET http://host/bytes?n=3&x=http://host/ HTTP/1.1\r\n\r\n",
			[]int{200}, ActRead},
		{"absolute without host", "GET http:///bytes?n=3 HTTP/1.1\r\n\r\n", []int{400},
			ActHalfClose},
		{"absolute without anything", "GET http:// HTTP/1.1\r\n\r\n", []int{400}, ActHalfClose},
		{"absolute with a query and no host", "GET http://?n=3 HTTP/1.1\r\n\r\n", []int{400},
			ActHalfClose},
		{"absolute with a user", "GET http://user@host/ HTTP/1.1\r\n\r\n", []int{400},
			ActHalfClose},
		{"an at sign in the path", "GET /@ HTTP/1.1\r\n\r\n", []int{404}, ActRead},
		{"other scheme", "GET https://host/ HTTP/1.1\r\n\r\n", []int{400}, ActHalfClose},
		{"relative", "GET bytes?n=3 HTTP/1.1\r\n\r\n", []int{400}, ActHalfClose},
		{"query only", "GET ?n=3 HTTP/1.1\r\n\r\n", []int{400}, ActHalfClose},
		{"host and port only", "GET host:80 HTTP/1.1\r\n\r\n", []int{400}, ActHalfClose},
		{"star", "OPTIONS * HTTP/1.1\r\n\r\n", []int{400}, ActHalfClose},
		{"unknown", "GET /nothing HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
			[]int{404, 200}, ActRead},
		{"body", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n",
			[]int{200, 200}, ActRead},
		{"work", "GET /work?us=1 HTTP/1.1\r\n\r\nGET /work?x=2&us=1 HTTP/1.1\r\n\r\n",
			[]int{200, 200}, ActRead},
		{"garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", []int{400}, ActHalfClose},
		{"no version", "GET /\r\n\r\n", []int{400}, ActHalfClose},
		{"future", "GET / HTTP/2.0\r\n\r\n", []int{400}, ActHalfClose},
		{"folded header", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", []int{400}, ActHalfClose},
		{"space before colon", "GET / HTTP/1.1\r\nA : b\r\n\r\n", []int{400}, ActHalfClose},
		{"bytes without number", "GET /bytes HTTP/1.1\r\n\r\n", []int{400}, ActHalfClose},
		{"bytes of a word", "GET /bytes?n=many HTTP/1.1\r\n\r\n", []int{400}, ActHalfClose},
		{"too many bytes", "GET /bytes?n=99999999999999999999999 HTTP/1.1\r\n\r\n", []int{400},
			ActHalfClose},
		{"too much work", "GET /work?us=10000001 HTTP/1.1\r\n\r\n", []int{400}, ActHalfClose},
		{"two lengths", "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
			[]int{400}, ActHalfClose},
		{"negative length", "POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", []int{400},
			ActHalfClose},
		{"length and coding", "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
			[]int{400}, ActHalfClose},
		{"coding", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", []int{501},
			ActHalfClose},
		{"body too large", "POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", []int{413},
			ActHalfClose},
		{"body absurdly large", "POST / HTTP/1.1\r\nContent-Length: 18446744073709551617\r\n\r\n",
			[]int{413}, ActHalfClose},
		{"longest line", "GET /" + head(MaxLine-1-len("GET / HTTP/1.1\r")) + " HTTP/1.1\r\n\r\n",
			[]int{404}, ActRead},
		{"line too long", "GET /" + head(MaxLine-len("GET / HTTP/1.1\r")) + " HTTP/1.1\r\n\r\n",
			[]int{431}, ActHalfClose},
		{"endless line", "GET /" + head(100_000), []int{431}, ActHalfClose},
		{"long header", "GET / HTTP/1.1\r\nCookie: " + head(4000) + "\r\n\r\n",
			[]int{200}, ActRead},
		{"head too large", "GET / HTTP/1.1\r\nCookie: " + head(9000) + "\r\n\r\n", []int{431},
			ActHalfClose},
		{"many headers", "GET / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 2000) + "\r\n",
			[]int{431}, ActHalfClose},
		{"crash", "GET / HTTP/1.1\r\n\r\nGET /crash HTTP/1.1\r\n\r\n", []int{200}, ActCrash},
		{"sleep", "GET /sleep?ms=1 HTTP/1.1\r\n\r\n", []int{200}, ActSleep},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := Handler{SpinsPerMilli: 1000}
			output, actions := drive(t, h, []byte(test.input), OutSize)
			list := responses(t, output)
			var status []int
			for _, r := range list {
				status = append(status, r.StatusCode)
			}
			if fmt.Sprint(status) != fmt.Sprint(test.status) {
				t.Errorf("status %v, want %v", status, test.status)
			}
			last := ActRead
			if len(actions) > 0 {
				last = actions[len(actions)-1]
			}
			if last != test.last {
				t.Errorf("last action %d, want %d", last, test.last)
			}
			for size := 1; size <= 7; size++ {
				again, _ := drive(t, h, []byte(test.input), MinOut, size)
				if again != output {
					t.Errorf("in pieces of %d: %q, whole: %q", size, again, output)
				}
			}
		})
	}
}

func TestBytes(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 1000, OutSize, 3*OutSize + 17} {
		output, _ := drive(t, Handler{}, fmt.Appendf(nil, "GET /bytes?n=%d HTTP/1.1\r\n\r\n", n),
			MinOut+3)
		whole, _ := drive(t, Handler{}, fmt.Appendf(nil, "GET /bytes?n=%d HTTP/1.1\r\n\r\n", n),
			OutSize)
		if output != whole {
			t.Errorf("%d bytes depend on the size of the buffer", n)
		}
		body, _ := io.ReadAll(responses(t, output)[0].Body)
		if len(body) != n {
			t.Errorf("got %d bytes, want %d", len(body), n)
		}
		if want := strings.Repeat(alphabet, n/64+1); string(body) != want[len(want)-n:] {
			t.Errorf("body of %d bytes is wrong", n)
		}
	}
}

func TestHead(t *testing.T) {
	output, _ := drive(t, Handler{},
		[]byte("HEAD / HTTP/1.1\r\n\r\nHEAD /bytes?n=7 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
		OutSize)
	list := responses(t, output, "HEAD", "HEAD", "GET")
	if len(list) != 3 || list[0].ContentLength != int64(len(rootBody)) ||
		list[1].ContentLength != 7 {
		t.Errorf("got %d responses in %q", len(list), output)
	}
}

func TestExpect(t *testing.T) {
	input := "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
	var c Conn
	h := Handler{}
	out := make([]byte, OutSize)
	took, put, do := h.Step(&c, []byte(input), out)
	if took != len(input) || string(out[:put]) != "HTTP/1.1 100 Continue\r\n\r\n" || do != ActRead {
		t.Fatalf("took %d, put %q, do %d", took, out[:put], do)
	}
	if _, put, _ = h.Step(&c, []byte("ab"), out); !strings.HasPrefix(string(out[:put]), "HTTP/1.1 200 OK") {
		t.Errorf("after the body: %q", out[:put])
	}
	if !c.Idle() || c.Requests() != 1 {
		t.Errorf("idle %v after %d requests", c.Idle(), c.Requests())
	}
}

// Some old clients send an empty line after a body: no request has begun then.
func TestIdleAfterEmptyLine(t *testing.T) {
	var c Conn
	h := Handler{}
	out := make([]byte, OutSize)
	for _, step := range []struct {
		in   string
		idle bool
	}{
		{"GET / HTTP/1.1\r\n\r\n\r\n", true}, {"\r", false}, {"\n", true}, {"\n\n", true},
		{"G", false},
		{"ET / HTTP/1.1\r\n", false}, {"\r\n", true},
	} {
		h.Step(&c, []byte(step.in), out)
		if c.Idle() != step.idle {
			t.Errorf("after %q idle is %v", step.in, c.Idle())
		}
	}
	if c.Requests() != 2 {
		t.Errorf("%d requests", c.Requests())
	}
}

func TestEcho(t *testing.T) {
	input := strings.Repeat("every byte comes back ", 1000)
	h := Handler{Protocol: Echo}
	for _, size := range []int{1, 7, MinOut, 5000, len(input)} {
		if output, actions := drive(t, h, []byte(input), MinOut, size); output != input ||
			len(actions) > 0 {
			t.Errorf("in pieces of %d: %d bytes came back of %d", size, len(output), len(input))
		}
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	var c Conn
	h := Handler{SpinsPerMilli: 1}
	in := []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /bytes?n=100 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPOST /nothing HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	out := make([]byte, OutSize)
	if n := testing.AllocsPerRun(100, func() { h.Step(&c, in, out) }); n != 0 {
		t.Errorf("%v allocations a step", n)
	}
}

// What a request costs before any system call: as wrk sends it, and as a browser does.
func BenchmarkStep(b *testing.B) {
	for name, headers := range map[string]string{
		"short": "Host: 127.0.0.1:8080\r\n",
		"long": "Host: 127.0.0.1:8080\r\n" +
			"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
			"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
			"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
			"Connection: keep-alive\r\nCookie: session=" + strings.Repeat("0123456789abcdef", 40) +
			"\r\n",
	} {
		b.Run(name, func(b *testing.B) {
			in, out := []byte("GET / HTTP/1.1\r\n"+headers+"\r\n"), make([]byte, OutSize)
			var h Handler
			var c Conn
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				h.Step(&c, in, out)
			}
			if c.Requests() != uint64(b.N) {
				b.Errorf("%d requests answered of %d", c.Requests(), b.N)
			}
		})
	}
}

// FuzzHTTP checks that no input breaks the handler and that how the input is cut into pieces, and
// how large the output buffer is, changes nothing.
func FuzzHTTP(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /bytes?n=1000 HTTP/1.1\r\n\r\n"), uint8(3))
	f.Add([]byte("POST /work?us=0 HTTP/1.0\r\nConnection: keep-alive\r\n"+
		"Content-Length: 3\r\n\r\nabc"), uint8(1))
	f.Add([]byte("GET /sleep?ms=0 HTTP/1.1\r\nExpect: 100-continue\r\n\r\n\r\n\r\n"+
		"HEAD /bytes?n=9 HTTP/1.1\r\n\r\n"), uint8(7))
	f.Add([]byte("GET /"+strings.Repeat("x", 600)+" HTTP/1.1\r\n\r\n"), uint8(100))
	f.Fuzz(func(t *testing.T, input []byte, size uint8) {
		if bytes.Contains(input, []byte("n=")) && len(input) > 4 {
			// Bound the replies: the numbers stay, their size does not.
			input = bytes.ReplaceAll(input, []byte("n="), []byte("n=1&n="))
		}
		h := Handler{} // no spins: /work costs nothing
		whole, did := drive(t, h, input, OutSize)
		pieces, did2 := drive(t, h, input, MinOut, int(size), 1, int(size)/2)
		if whole != pieces {
			t.Fatalf("whole: %q\npieces: %q", whole, pieces)
		}
		// What is done must not differ either, but for how a connection ends: bytes behind the last
		// request are only known when they are there.
		for i := 0; i < min(len(did), len(did2))-1; i++ {
			if did[i] != did2[i] {
				t.Fatalf("whole did %v, pieces %v", did, did2)
			}
		}
	})
}
