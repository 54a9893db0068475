package load

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
)

func TestAgainstNetHTTP(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/fixed", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
	})
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, r *http.Request) {
		for range 5 {
			io.WriteString(w, strings.Repeat("x", 100))
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, 3<<20))
	})
	mux.HandleFunc("/close", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</x>")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "hello")
	})
	mux.HandleFunc("/empty", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	var reqs atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reqs.Add(1)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	for _, path := range []string{"/fixed", "/chunked", "/large", "/close", "/hints", "/empty"} {
		t.Run(path, func(t *testing.T) {
			reqs.Store(0)
			r := run(t, Config{Target: srv.URL + path})
			clean(t, r)
			if uint64(reqs.Load()) != r.Sent {
				t.Errorf("%d sent, the server saw %d", r.Sent, reqs.Load())
			}
			if path == "/large" && r.Bytes.Read < (r.Requests+r.Drained)*(3<<20) {
				t.Errorf("%d bytes of %d responses", r.Bytes.Read, r.Requests)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		only(t, run(t, Config{Target: srv.URL + "/missing"}), Status4xx)
	})
}

func TestAgainstPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here: ", err)
	}
	cmd := exec.Command(python, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory",
		t.TempDir(), "0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	// Serving HTTP on 127.0.0.1 port 1 (http://…) ...
	line, err := bufio.NewReader(out).ReadString('\n')
	_, after, ok := strings.Cut(line, "(http://")
	if err != nil || !ok {
		t.Fatalf("%q, %v", line, err)
	}
	addr, _, _ := strings.Cut(after, "/")
	clean(t, run(t, Config{Target: "http://" + addr + "/", Clients: 2}))
}
