package poll

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
)

func TestMain(m *testing.M) {
	os.Exit(testenv.Main(m, map[string]func() int{"few tasks": fewTasksProgram}))
}

const (
	wantBody = "one more served"
	request  = "GET / HTTP/1.1\r\n\r\n"
	patience = testenv.Patience
)

// models are those of this package that can run here.
func models(t *testing.T) []switchyard.Model {
	var list []switchyard.Model
	for _, m := range switchyard.Models() {
		if strings.HasPrefix(m.Name, "poll/") && m.Available() == nil {
			list = append(list, m)
		}
	}
	if len(list) < 6 {
		t.Fatalf("%d models can run here, want all but perhaps poll/io_uring", len(list))
	}
	return list
}

func each(t *testing.T, f func(*testing.T, switchyard.Model)) {
	for _, m := range models(t) {
		t.Run(strings.TrimPrefix(m.Name, "poll/"), func(t *testing.T) { f(t, m) })
	}
}

func model(t *testing.T, name string) switchyard.Model {
	t.Helper()
	m, ok := switchyard.Lookup(name)
	if !ok {
		t.Fatalf("no model %s", name)
	}
	if name == "poll/io_uring" {
		if err := m.Available(); err != nil {
			testenv.Skip(t, "no io_uring", uringBySystemCall)
		}
	}
	return m
}

// At the limit one connection waits until another is closed; that is one pause.
func TestPauseAndResume(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{MaxConns: 4, Workers: 1})
		var open []*client
		for range 4 {
			c := r.dial()
			c.get()
			open = append(open, c)
		}
		for range 4 {
			waits := r.dial()
			waits.send(request)
			waits.SetReadDeadline(time.Now().Add(70 * time.Millisecond)) // longer than a pause
			if _, err := waits.r.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("a fifth connection is served: %v", err)
			}
			if a := r.count.Active(); a != 4 {
				t.Fatalf("%d connections are open, want 4", a)
			}
			waits.SetReadDeadline(time.Now().Add(patience))
			open[0].Close()
			open = append(open[1:], waits)
			if err := waits.reply(); err != nil {
				t.Fatal(err)
			}
		}
		if p := r.count.Paused.Load(); p == 0 || p > 8 {
			t.Errorf("%d pauses are counted, want one for each time the limit was met", p)
		}
	})
}
