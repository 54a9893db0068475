package switchyard

import (
	"strings"
	"testing"
	"time"
)

// What a path is refused for before it is asked is what a server refuses it for.
func TestCheckPath(t *testing.T) {
	for path, want := range map[string]string{
		"/": "", "/?x": "", "/bytes?n=0": "", "/bytes?n=1073741824": "", "/work?us=10000000": "",
		"/work?x=1&us=5": "", "/sleep?ms=60000": "",

		"/work?us=-1":                       "/work?us=N, with N from 0 to 10000000",
		"/work?us=10000001":                 "/work?us=N",
		"/work":                             "/work?us=N",
		"/work?us=":                         "/work?us=N",
		"/work?ms=1":                        "/work?us=N",
		"/sleep?ms=60001":                   "with N from 0 to 60000",
		"/bytes?n=1073741825":               "with N from 0 to 1073741824",
		"/nothing":                          "no such path",
		"/bytes/":                           "no such path",
		"/work#us=1":                        "no such path",
		"/? ":                               "blanks",
		"/wörk":                             "ASCII",
		"":                                  "begins with /",
		"work?us=1":                         "begins with /",
		"/?" + strings.Repeat("x", MaxLine): "too long",
	} {
		_, err := CheckPath(path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", path, err, want)
		}
		if path == "" || strings.HasPrefix(path, "/sleep") && err == nil {
			continue // it would be done
		}
		if strings.HasPrefix(path, "/work") && err == nil {
			continue
		}
		var h Handler
		var c Conn
		out := make([]byte, OutSize)
		request := "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"
		if _, put, _ := h.Step(&c, []byte(request), out); want != "begins with /" &&
			strings.HasPrefix(string(out[:put]), "HTTP/1.1 200") != (err == nil) {
			t.Errorf("%.40q: %v, but a server says %.30q", path, err, out[:put])
		}
	}
	longest := "/?" + strings.Repeat("x", MaxLine-len("GET  HTTP/1.1\r")-2)
	if _, err := CheckPath(longest); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]time.Duration{
		"/": 0, "/bytes?n=9": 0, "/work?us=50": 50 * time.Microsecond,
		"/sleep?ms=60000": time.Minute,
	} {
		if least, err := CheckPath(path); least != want || err != nil {
			t.Errorf("%s: at least %v, %v, want %v", path, least, err, want)
		}
	}
}
