package load

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"http://127.0.0.1:8080/":          "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n",
		"http://127.0.0.1:8080":           "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n",
		"HTTP://localhost":                "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"http://h:1/bytes?n=5":            "GET /bytes?n=5 HTTP/1.1\r\nHost: h:1\r\n\r\n",
		"http://h:1?n=5":                  "GET /?n=5 HTTP/1.1\r\nHost: h:1\r\n\r\n",
		"http://[::1]:8080/a/../b%20c":    "GET /a/../b%20c HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
		"http://[fe80::1%25eth0]:8080/":   "GET / HTTP/1.1\r\nHost: [fe80::1]:8080\r\n\r\n",
		"http://a-b_c.example.org:65535/": "GET / HTTP/1.1\r\nHost: a-b_c.example.org:65535\r\n\r\n",
	} {
		tg, err := Parse(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := string(tg.request(0)); got != want {
			t.Errorf("%s: sends %q, want %q", in, got, want)
		}
	}
	tg, err := Parse("echo://[::1]:7")
	if err != nil || tg.Protocol != Echo || tg.Host != "::1" || tg.Port != 7 {
		t.Errorf("%+v, %v", tg, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{
		"", "127.0.0.1:80", "localhost", "https://h/", "ftp://h/", "http://", "http:///x",
		"http://:80/",
		"http://h:0/", "http://h:65536/", "http://h:x/", "http://h:/", "http://::1/",
		"http://[::1/", "http://[::1]x/", "http://[::1]:/", "http://[1.2.3.4]:80/",
		"http://u:p@h/", "http://h/#x", "http://h/a b", "http://h/a\r\nX: y", "http://h\r\nX: y/",
		"http://h/\x00", "http://h/ä", "http://h%0d%0a/", "http://h,i/",
		"echo://h", "echo://h:7/x", "http://h:80\t/",
	} {
		_, err := Parse(in)
		if !errors.Is(err, ErrUsage) {
			t.Errorf("%q: got %v, want a usage error", in, err)
			continue
		}
		if strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%q: the error has more than one line: %q", in, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("http://[::1]:80/x?y")
	f.Add("echo://h:7")
	f.Fuzz(func(t *testing.T, s string) {
		tg, err := Parse(s)
		if err != nil {
			if !errors.Is(err, ErrUsage) || strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("%q: %q", s, err)
			}
			return
		}
		if tg.Protocol == Echo {
			return
		}
		req := tg.request(0)
		if n := bytes.Count(req, []byte("\n")); n != 3 || bytes.Count(req, []byte("\r")) != 3 ||
			bytes.Count(req, []byte(" ")) != 3 {
			t.Fatalf("%q makes the request %q", s, req)
		}
	})
}

func TestEchoPayloadShowsMovedBytes(t *testing.T) {
	p := echoPayload(100_000)
	for _, shift := range []int{1, 62, 63, 64, 1024, 1460, 4096, 63 * 64} {
		if bytes.Equal(p[:1000], p[shift:shift+1000]) {
			t.Errorf("a shift by %d does not show", shift)
		}
	}
}
