package switchyard

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The tests in this file ask where a request ends. A server and a proxy in front of it that answer
// differently can be made to take the body of one client's request for another client's request
// (RFC 9112, 11.2).

// ends feeds input byte by byte and returns the offsets at which requests that keep the connection
// open ended, and whether the connection was then ended by an error or by the client's wish.
func ends(t testing.TB, input []byte) (at []int, over bool) {
	t.Helper()
	var h Handler
	var c Conn
	out := make([]byte, OutSize)
	for i := range input {
		before := c.Requests()
		piece := input[i : i+1]
		for again := true; again; {
			took, _, do := h.Step(&c, piece, out)
			piece = piece[took:]
			switch do {
			case ActRead:
				again = false
			case ActClose, ActHalfClose, ActCrash:
				return at, true
			}
		}
		if c.Requests() > before {
			at = append(at, i+1)
		}
	}
	return at, false
}

// inner is the request that an attacker hides in a body. Its own reply is one that no other request
// here gets.
const inner = "GET /bytes?n=7 HTTP/1.1\r\nHost: a\r\n\r\n"

// innerReply is how the answer to inner is told from others.
const innerReply = "Content-Length: 7\r\n"

func TestOneWayToSeeWhereARequestEnds(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("0", n) }
	length := strconv.Itoa(len(inner))
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(inner), inner)
	post := "POST / HTTP/1.1\r\n"
	for _, test := range []struct {
		name, head string // the head without its last empty line
		status     int
	}{
		// Taken, and the body is the body.
		{"plain", post + "Content-Length: " + length + "\r\n", 200},
		{"no blank", post + "Content-Length:" + length + "\r\n", 200},
		{"blanks around", post + "Content-Length: \t " + length + " \t \r\n", 200},
		{"name in capitals", post + "CONTENT-LENGTH: " + length + "\r\n", 200},
		{"leading zeros", post + "Content-Length: 0000" + length + "\r\n", 200},
		{"longest line", post + "Content-Length: " +
			zeros(MaxLine-len("Content-Length: \r")-len(length)) + length + "\r\n", 200},
		{"length behind a long header", post + "Cookie: " + zeros(4000) + "\r\nContent-Length: " +
			length + "\r\n", 200},
		{"length before a long header", post + "Content-Length: " + length + "\r\nCookie: " +
			zeros(4000) + "\r\n", 200},
		{"old", "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: " + length + "\r\n",
			200},
		{"a GET with a body", "GET / HTTP/1.1\r\nContent-Length: " + length + "\r\n", 200},
		{"bytes beyond ASCII in a value", post + "A: \xff\xfe\x80\r\nContent-Length: " + length +
			"\r\n", 200},
		{"a name that is longer",
			post + "Content-Lengths: 1\r\nXContent-Length: 1\r\nContent-Length: " + length + "\r\n",
			200},
		{"a value that looks like a header", post + "A: Content-Length: 3\r\nContent-Length: " +
			length + "\r\n", 200},

		// Not read whole.
		{"one byte too long", post + "Content-Length: " +
			zeros(MaxLine+1-len("Content-Length: \r")-len(length)) + length + "\r\n", 431},
		{"length cut off", post + "Content-Length: " + zeros(600) + length + "\r\n", 431},
		{"length pushed out by blanks", post + "Content-Length:" + strings.Repeat(" ", 600) +
			length + "\r\n", 431},
		{"length with blanks behind it", post + "Content-Length: " + length +
			strings.Repeat(" ", 600) + "\r\n", 431},
		{"length with garbage far behind it", post + "Content-Length: " + length +
			strings.Repeat(" ", 600) + "x\r\n", 431},
		{"coding pushed out", post + "Transfer-Encoding:" + strings.Repeat(" ", 600) +
			"chunked\r\n", 431},
		{"coding cut off", post + "Transfer-Encoding: chunked" + strings.Repeat(" ", 600) +
			",identity\r\n", 431},
		{"connection cut off", post + "Connection: " + strings.Repeat("x,", 300) + "close\r\n",
			431},
		{"expectation cut off", post + "Expect: " + strings.Repeat(" ", 600) + "100-continue\r\n",
			431},
		{"name without end", post + strings.Repeat("x", 600) + ": 1\r\n", 431},
		{"head too long", post + strings.Repeat("a: b\r\n", 2000), 431},

		// A length that is none, or two.
		{"twice the same", post + "Content-Length: " + length + "\r\nContent-Length: " + length +
			"\r\n", 400},
		{"twice, one with a zero", post + "Content-Length: " + length + "\r\nContent-Length: 0" +
			length + "\r\n", 400},
		{"first none, then some", post + "Content-Length: 0\r\nContent-Length: " + length + "\r\n",
			400},
		{"first some, then none", post + "Content-Length: " + length + "\r\nContent-Length: 0\r\n",
			400},
		{"list of the same", post + "Content-Length: " + length + ", " + length + "\r\n", 400},
		{"list of two", post + "Content-Length: 0," + length + "\r\n", 400},
		{"list with an empty member", post + "Content-Length: " + length + ",\r\n", 400},
		{"plus", post + "Content-Length: +" + length + "\r\n", 400},
		{"minus", post + "Content-Length: -" + length + "\r\n", 400},
		{"minus nought", post + "Content-Length: -0\r\n", 400},
		{"hexadecimal", post + "Content-Length: 0x1b\r\n", 400},
		{"digits of hexadecimal", post + "Content-Length: 1b\r\n", 400},
		{"underscore", post + "Content-Length: 2_7\r\n", 400},
		{"point", post + "Content-Length: 27.0\r\n", 400},
		{"exponent", post + "Content-Length: 2e1\r\n", 400},
		{"quoted", post + "Content-Length: \"" + length + "\"\r\n", 400},
		{"parameter", post + "Content-Length: " + length + ";a=b\r\n", 400},
		{"blank inside", post + "Content-Length: 2 7\r\n", 400},
		{"empty", post + "Content-Length:\r\n", 400},
		{"blanks only", post + "Content-Length: \t \r\n", 400},
		{"vertical tab", post + "Content-Length: \v" + length + "\r\n", 400},
		{"form feed", post + "Content-Length: " + length + "\f\r\n", 400},
		{"blank beyond ASCII", post + "Content-Length: \u00a0" + length + "\r\n", 400},
		{"digits beyond ASCII", post + "Content-Length: \uff12\uff17\r\n", 400},
		{"overflow of 64 bits to nought", post + "Content-Length: 18446744073709551616\r\n", 413},
		{"overflow of 64 bits", post + "Content-Length: 184467440737095516" + "43\r\n", 413},
		{"overflow of 63 bits", post + "Content-Length: 9223372036854775808\r\n", 413},
		{"overflow of 32 bits", post + "Content-Length: 42949672" + "96\r\n", 413},
		{"overflow beside another",
			post + "Content-Length: 18446744073709551616\r\nContent-Length: 0\r\n", 400},
		{"nines", post + "Content-Length: " + strings.Repeat("9", 400) + "\r\n", 413},

		// A transfer coding.
		{"chunked", post + "Transfer-Encoding: chunked\r\n", 501},
		{"CHUNKED", post + "TRANSFER-ENCODING: CHUNKED\r\n", 501},
		{"chunked after another", post + "Transfer-Encoding: gzip, chunked\r\n", 501},
		{"chunked after another's line",
			post + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501},
		{"chunked and an empty member", post + "Transfer-Encoding: ,chunked, \r\n", 501},
		{"chunked and a length", post + "Transfer-Encoding: chunked\r\nContent-Length: " + length +
			"\r\n", 400},
		{"length and chunked", post + "Content-Length: " + length +
			"\r\nTransfer-Encoding: chunked\r\n", 400},
		{"length nought and chunked", post + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
			400},
		{"chunked is not last", post + "Transfer-Encoding: chunked, identity\r\n", 400},
		{"chunked is not in the last line",
			post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400},
		{"chunked twice", post + "Transfer-Encoding: chunked, chunked\r\n", 400},
		{"chunked in two lines",
			post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
		{"identity", post + "Transfer-Encoding: identity\r\n", 400},
		{"unknown coding", post + "Transfer-Encoding: xchunked\r\n", 400},
		{"coding in quotes", post + "Transfer-Encoding: \"chunked\"\r\n", 400},
		{"coding with a parameter", post + "Transfer-Encoding: chunked;a=b\r\n", 400},
		{"coding without a comma", post + "Transfer-Encoding: gzip chunked\r\n", 400},
		{"no coding", post + "Transfer-Encoding:\r\n", 400},
		{"coding behind a vertical tab", post + "Transfer-Encoding:\vchunked\r\n", 400},
		{"coding in HTTP/1.0",
			"POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n", 400},

		// A line that is not one.
		{"folded length", post + "Content-Length:\r\n " + length + "\r\n", 400},
		{"folded header hides a length", post + "A: b\r\n\tContent-Length: " + length + "\r\n",
			400},
		{"fold first", "POST / HTTP/1.1\r\n A: b\r\n", 400},
		{"blank before the colon", post + "Content-Length : " + length + "\r\n", 400},
		{"tab before the colon", post + "Content-Length\t: " + length + "\r\n", 400},
		{"blank in the name", post + "Content Length: " + length + "\r\n", 400},
		{"no name", post + ": " + length + "\r\n", 400},
		{"no colon", post + "Content-Length\r\n", 400},
		{"NUL in the name", post + "Content-Length\x00: " + length + "\r\n", 400},
		{"NUL in the value", post + "A: b\x00c\r\n", 400},
		{"NUL at the value's end", post + "A: b\x00\r\n", 400},
		{"NUL in the length", post + "Content-Length: " + length + "\x00\r\n", 400},
		{"NUL far out in a long value", post + "A: " + zeros(3000) + "\x00" + zeros(1000) + "\r\n",
			400},
		{"escape in a value", post + "A: \x1b[31m\r\n", 400},
		{"DEL in a value", post + "A: \x7f\r\n", 400},
		{"bare CR in a value", post + "A: b\rContent-Length: " + length + "\r\n", 400},
		{"bare CR far out in a long value", post + "A: " + zeros(600) + "\rContent-Length: " +
			length + "\r\n", 400},
		{"bare CR in the length", post + "Content-Length: \r" + length + "\r\n", 400},
		{"NUL and a bare CR", post + "A: b\x00\rc\r\n", 400},
		{"two CRs", post + "A: b\r\r\n", 400},
		{"two CRs behind a long value", post + "A: " + zeros(600) + "\r\r\n", 400},
		{"empty line of two CRs", post + "\r\r\n", 400},
		{"bare LF in a value", post + "A: b\nContent-Length: " + length + "\r\n", 400},
		{"bare LF behind a long value", post + "A: " + zeros(600) + "\nContent-Length: " + length +
			"\r\n", 400},
		{"bare LF behind the length", post + "Content-Length: " + length + "\n", 400},
		{"CR LF where LF alone began", "POST / HTTP/1.1\nContent-Length: " + length + "\r\n", 400},

		// A request line that is not one.
		{"two blanks", "POST  / HTTP/1.1\r\n", 400},
		{"a tab", "POST\t/ HTTP/1.1\r\n", 400},
		{"blank behind", "POST / HTTP/1.1 \r\n", 400},
		{"blank before", " POST / HTTP/1.1\r\n", 400},
		{"CR before", "\rPOST / HTTP/1.1\r\n", 400},
		{"CR in the target", "POST /\rA HTTP/1.1\r\n", 400},
		{"NUL in the target", "POST /\x00 HTTP/1.1\r\n", 400},
		{"three words and one", "POST / HTTP/1.1 HTTP/1.1\r\n", 400},
		{"no version", "POST /\r\n", 400},
		{"small letters", "POST / http/1.1\r\n", 400},
		{"other protocol", "POST / HTTP/2.0\r\n", 400},
		{"other digits", "POST / HTTP/1.10\r\n", 400},
		// The reply to CONNECT, were it 200, would have no body and be the beginning of a tunnel
		// (RFC 9112, 6.3).
		{"tunnel", "CONNECT / HTTP/1.1\r\n", 400},
		{"tunnel elsewhere", "CONNECT http://a/ HTTP/1.1\r\n", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := inner
			if strings.Contains(strings.ToLower(test.head), "transfer-encoding") {
				body = chunk
			}
			input := []byte(test.head + "\r\n" + body)
			for size := 1; size <= len(input); size += 1 + size/3 {
				output, actions := drive(t, Handler{}, input, MinOut, size)
				if strings.Contains(output, innerReply) {
					t.Fatalf("in pieces of %d: the body was taken for a request:\n%s", size, output)
				}
				list := responses(t, output)
				if len(list) != 1 || list[0].StatusCode != test.status {
					t.Fatalf("in pieces of %d: want one response, %d:\n%s", size,
						test.status, output)
				}
				if test.status != 200 && (len(actions) == 0 || !list[0].Close) {
					t.Fatalf("in pieces of %d: the connection goes on after %d: %v", size,
						test.status, actions)
				}
			}
		})
	}
}

// Whoever types a request by hand ends its lines with LF alone, as RFC 9112, 2.2, allows; within
// one head there is one way to end a line.
func TestBareLineFeeds(t *testing.T) {
	input := "POST / HTTP/1.1\nContent-Length: 3\n\nabc\n\nGET /bytes?n=1 HTTP/1.1\nHost: a\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
	for size := 1; size < len(input); size++ {
		output, _ := drive(t, Handler{}, []byte(input), MinOut, size)
		if list := responses(t, output); len(list) != 3 {
			t.Fatalf("in pieces of %d: %d responses, want 3:\n%s", size, len(list), output)
		}
	}
}

// Every byte, wherever it stands in a value, is looked at.
func TestEveryByteOfAValue(t *testing.T) {
	for b := range 256 {
		want := 200
		if b < ' ' && b != '\t' || b == 0x7f {
			want = 400
		}
		for _, at := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 100, MaxLine - 1, MaxLine,
			MaxLine + 1, 1500} {
			value := bytes.Repeat([]byte("x"), at+20)
			value[at] = byte(b)
			input := fmt.Appendf(nil, "GET / HTTP/1.1\r\nA: %s\r\n\r\n", value)
			for _, size := range []int{len(input), 1, 9} {
				output, _ := drive(t, Handler{}, input, OutSize, size)
				if got := responses(t, output)[0].StatusCode; got != want {
					t.Fatalf("byte %#x at %d of a value, in pieces of %d: %d, want %d", b, at,
						size, got, want)
				}
			}
		}
	}
}

// seeds are beginnings for the fuzz tests below.
func seeds(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nA:b\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc", "POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\nabc",
		"POST / HTTP/1.1\nContent-Length: 3\n\nabc\r\n\nGET / HTTP/1.0\nConnection: keep-alive\n\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nA: b\r\n c\r\nContent-Length : 3\r\n\r\nabc", "POST / HTTP/1.1\r\nA: b\rc\x00\nd\r\n\r\n",
		"HEAD http://a/?b HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: " + strings.Repeat("0", 600) + "3\r\n\r\nabc",
		"GET / HTTP/1.1\r\nCookie: " + strings.Repeat("x", 600) + "\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
}

// FuzzEndsAsNetHTTP checks that where a request ends is where net/http, which others wrote, sees
// its end, for as long as both of them take what comes.
func FuzzEndsAsNetHTTP(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		ours, _ := ends(t, bound(input))
		r := bytes.NewReader(input)
		buffered := bufio.NewReader(r)
		for i, want := range ours {
			for { // net/http ignores no empty line before a request, as RFC 9112, 2.2, asks
				if b, _ := buffered.Peek(1); len(b) == 1 && b[0] == '\n' {
					buffered.Discard(1)
				} else if b, _ := buffered.Peek(2); string(b) == "\r\n" {
					buffered.Discard(2)
				} else {
					break
				}
			}
			req, err := http.ReadRequest(buffered)
			if err != nil {
				return // it takes other targets, methods and hosts than we do
			}
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				t.Fatalf("request %d of %q: body: %v", i, input, err)
			}
			if got := len(input) - r.Len() - buffered.Buffered(); got != want {
				t.Fatalf("request %d of %q ends at %d, for net/http at %d", i, input, want, got)
			}
		}
	})
}

// bound keeps /bytes small and /work and /sleep away; what is as long as before stays where it was.
func bound(input []byte) []byte {
	input = bytes.ReplaceAll(input, []byte("n="), []byte("n:"))
	input = bytes.ReplaceAll(input, []byte("us="), []byte("us:"))
	return bytes.ReplaceAll(input, []byte("ms="), []byte("ms:"))
}

// grammar is a request's head as RFC 9112 has it, without the folds and the mixed ends of lines
// that it lets a server refuse.
var grammar = regexp.MustCompile(`^(?:\r?\n)*` +
	"(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/1\\.([0-9])\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\\t\\x20-\\x7e\\x80-\\xff]*\r\n)*)\r\n" +
	"|([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/1\\.([0-9])\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\\t\\x20-\\x7e\\x80-\\xff]*\n)*)\n)")

var lengthLine = regexp.MustCompile(`(?im)^content-length:[\t ]*([0-9]+)[\t ]*\r?$`)

// FuzzEndsAsTheGrammar checks that a request is taken if, and only if, it is one by the grammar,
// and that it ends where its only Content-Length says.
func FuzzEndsAsTheGrammar(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		input = bound(input)
		got, over := ends(t, input)
		rest, at := toLatin1(input), 0
		for i, end := range got {
			head := grammar.FindStringSubmatch(rest)
			if head == nil {
				t.Fatalf("request %d of %q was taken and is none", i, input)
			}
			method, headers := head[1]+head[5], head[4]+head[8]
			names := strings.ToLower("\n" + headers)
			lengths := lengthLine.FindAllStringSubmatch(headers, -1)
			if n := strings.Count(names, "\ncontent-length:"); n != len(lengths) || n > 1 ||
				strings.Contains(names, "\ntransfer-encoding:") || method == "CONNECT" {
				t.Fatalf("request %d of %q was taken and has no sure end", i, input)
			}
			size := len([]rune(head[0]))
			if len(lengths) > 0 {
				n, err := strconv.Atoi(lengths[0][1])
				if err != nil || n > MaxBody {
					t.Fatalf("request %d of %q was taken with a body of %s bytes", i, input,
						lengths[0][1])
				}
				size += n
			}
			if at += size; at != end {
				t.Fatalf("request %d of %q ends at %d, by the grammar at %d", i, input, end, at)
			}
			rest = string([]rune(rest)[size:])
		}
		// What comes next is refused only if something is wrong with it.
		head := grammar.FindStringSubmatch(rest)
		if !over || head == nil || head[0] != string([]rune(rest)[:len([]rune(head[0]))]) {
			return
		}
		method, target, version, headers := head[1]+head[5], head[2]+head[6], head[3]+head[7],
			head[4]+head[8]
		plain := method != "CONNECT" && (target == "/" || target == "/nothing") && version != "0" &&
			len(head[0]) < MaxLine
		framing := regexp.MustCompile(`(?i)(content-length|transfer-encoding|connection):`)
		if plain && !framing.MatchString(headers) {
			t.Fatalf("%q, after %d requests, was refused and is one", head[0], len(got))
		}
	})
}

// toLatin1 makes a character of each byte, as a regular expression does not match bytes that are no
// UTF-8.
func toLatin1(p []byte) string {
	r := make([]rune, len(p))
	for i, b := range p {
		r[i] = rune(b)
	}
	return string(r)
}

// The grammar above must know what a request is: a test of the test.
func TestGrammar(t *testing.T) {
	for s, is := range map[string]bool{
		"GET / HTTP/1.1\r\n\r\n": true, "GET / HTTP/1.1\n\n": true,
		"\r\n\nGET / HTTP/1.1\r\nA:\r\n\r\n": true,
		"GET / HTTP/1.1\r\nA: \xff\r\n\r\n":  true, "GET / HTTP/1.1\r\nA: b\n\r\n": false,
		"GET / HTTP/1.1\r\nA: \x00\r\n\r\n": false,
		"GET  / HTTP/1.1\r\n\r\n":           false, "GET / HTTP/1.1\r\n A: b\r\n\r\n": false,
		"GET / HTTP/1.1\r\nA : b\r\n\r\n": false,
	} {
		if got := grammar.MatchString(toLatin1([]byte(s))); got != is {
			t.Errorf("%q is a request: %v, want %v", s, got, is)
		}
	}
	if !slices.Equal(lengthLine.FindStringSubmatch("A: b\r\ncontent-LENGTH:\t27 \r\n"),
		[]string{"content-LENGTH:\t27 \r", "27"}) {
		t.Error("the expression for Content-Length does not find it")
	}
}

// A control character is found wherever it stands in a line of any length.
func TestHasControl(t *testing.T) {
	for n := range 40 {
		line := bytes.Repeat([]byte{'a'}, n)
		if hasControl(line) {
			t.Errorf("%d letters: a control character", n)
		}
		for i := range line {
			for b := range 256 {
				line[i] = byte(b)
				if got, want := hasControl(line), b < ' ' && b != '\t' || b == 0x7f; got != want {
					t.Errorf("%#x at %d of %d: %t, want %t", b, i, n, got, want)
				}
			}
			line[i] = 'a'
		}
	}
}
