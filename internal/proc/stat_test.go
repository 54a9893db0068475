package proc

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	got, err := parseStat("cpu  1 2 3 40 5 6 7 8 100 200\ncpu0 9 9 9\n")
	ms := 10 * time.Millisecond
	if want := (Stat{Busy: (1 + 2 + 3 + 6 + 7) * ms, Idle: 45 * ms, Steal: 8 * ms,
		Interrupts: 13 * ms}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for name, text := range map[string]string{
		"nothing":      "",
		"no steal":     "cpu  1 2 3 40 5 6 7\n",
		"another line": "cpu0 1 2 3 40 5 6 7 8\n",
		"no number":    "cpu  1 2 3 many 5 6 7 8\n",
	} {
		if s, err := parseStat(text); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestParseSwitches(t *testing.T) {
	if n, err := ParseSwitches("cpu  1 2\nintr 5 1\nctxt 1234\nbtime 1\n"); err != nil ||
		n != 1234 {
		t.Errorf("%d, %v", n, err)
	}
	for _, text := range []string{"", "cpu  1 2 3\nintr 5\n", "ctxt many\n"} {
		if n, err := ParseSwitches(text); err == nil {
			t.Errorf("%q: %d", text, n)
		}
	}
}

// What the machine has done only grows.
func TestStat(t *testing.T) {
	stat, err := Here.Stat()
	if err != nil {
		t.Fatal(err)
	}
	switches, err := Here.Switches()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Nanosleep(&unix.Timespec{Nsec: 1}, nil); err != nil {
		// this thread gives its CPU up
		t.Fatal(err)
	}
	after, err := Here.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if d := after.Sub(stat); d.Busy < 0 || d.Steal < 0 || d.Interrupts < 0 {
		t.Errorf("%+v", d)
	}
	if n, err := Here.Switches(); err != nil || n <= switches {
		t.Errorf("%d switches, %v, after %d", n, err, switches)
	}
}
