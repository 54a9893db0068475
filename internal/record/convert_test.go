package record

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"switchyard/internal/run"
	"switchyard/trace/event"
	"switchyard/trace/spool"
)

// elsewhere is a machine that no test runs on.
var elsewhere = event.Host{Name: "elsewhere", Kernel: "6.1.0-rpi", Arch: "arm64", CPUs: 3,
	Model: "a board", Go: "go1.99", Root: false}

// syscallRecord is a struct record_syscall as it lies in a ring.
func syscallRecord(kind event.Kind, flags event.Flags, time int64, value int64) []byte {
	b := make([]byte, 8+24)
	binary.LittleEndian.PutUint32(b, 24)
	binary.LittleEndian.PutUint64(b[8:], uint64(time))
	b[16], b[17] = byte(kind), byte(flags)
	binary.LittleEndian.PutUint32(b[20:], 77)
	binary.LittleEndian.PutUint64(b[24:], uint64(value))
	return b
}

// captured fills the spool of a new directory: a window from 1,000 to 9,000 in which a task makes
// system calls.
func captured(t *testing.T, begin spool.Begin) (d *Directory, frames []int64) {
	t.Helper()
	d, err := Create(filepath.Join(t.TempDir(), "run"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	w := spool.NewWriter(d.Spool())
	js := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	known := func(until uint64) []byte { return binary.LittleEndian.AppendUint64(nil, until) }
	var calls, more []byte
	for i, nr := range []int64{172, 63, 172} {
		calls = append(calls, syscallRecord(event.SyscallEnter, 0, int64(2000+100*i), nr)...)
	}
	more = append(more, syscallRecord(event.SyscallEnter, event.FlagCompat, 3000, 20)...)
	more = append(more, syscallRecord(event.SyscallEnter, 0, 9500, 172)...) // after the window
	for _, f := range []struct {
		kind    spool.FrameKind
		payload []byte
	}{
		{spool.FrameBegin, js(begin)},
		{spool.FrameWindow, js(spool.Mark{Time: 1000})},
		{spool.FrameKnown, known(1500)},
		{spool.FrameRing, calls},
		{spool.FrameKnown, known(2500)},
		{spool.FrameRing, more},
		{spool.FrameKnown, known(9600)},
		{spool.FrameEnd,
			js(spool.End{Mark: spool.Mark{Time: 9000}, Steal: 5,
				Cost: spool.Cost{Events: 5, Bytes: 160}})},
	} {
		if err := w.Append(f.kind, 0, f.payload); err != nil {
			t.Fatal(err)
		}
		info, err := d.Spool().Stat()
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, info.Size())
	}
	return d, frames
}

// converted makes a run of what was captured, and opens it.
func converted(t *testing.T, d *Directory, x Extra) *run.Reader {
	t.Helper()
	if err := Convert(d, x); err != nil {
		t.Fatal(err)
	}
	r, err := OpenRun(d.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func beginning(h event.Host, version int) spool.Begin {
	return spool.Begin{Version: version, Kernel: h.Kernel, Machine: "aarch64", CPUs: h.CPUs,
		Online: 2, Rings: 1, Syscalls: true, Probes: []string{"a"}, Buffer: 4096,
		Args: []string{"switchyard", "trace"}, Boottime: 10, Realtime: 20, Host: h}
}

// What a run says of its machine, it says of the one it was recorded on, and its system calls have
// the names of that one's.
func TestConvertOtherMachine(t *testing.T) {
	d, _ := captured(t, beginning(elsewhere, spool.Version))
	if err := Convert(d, Extra{Warnings: []string{"Mind."}, Calibrated: "not at all"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(d.path, SpoolName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the spool is still there: %v", err)
	}
	r, err := OpenRun(d.path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m := r.Manifest()
	if want := time.Unix(0, 20+9000-10).UTC(); !m.Made.Equal(want) {
		t.Errorf("made at %v, want %v, when the window closed", m.Made, want)
	}
	if m.Host != elsewhere {
		t.Errorf("recorded on %+v, want %+v", m.Host, elsewhere)
	}
	steal, interrupts := int64(5), int64(0)
	if want := (run.Options{Of: "switchyard trace", Syscalls: true,
		Probes: []string{"a"}, Buffer: 4096, Online: 2,
		Steal: &steal, Interrupts: &interrupts,
		ThrottledWhy: "an older switchyard recorded it"}); !reflect.DeepEqual(m.Options, want) {
		t.Errorf("options %+v, want %+v", m.Options, want)
	}
	if !slices.Equal(m.Warnings, []string{"Mind."}) ||
		m.Window != (event.Window{Open: 1000, Close: 9000}) {
		t.Errorf("warnings %q, window %+v", m.Warnings, m.Window)
	}
	var calls Syscalls
	if err := Replay(r, &calls); err != nil {
		t.Fatal(err)
	}
	if want := map[string]uint64{"getpid": 2, "read": 1,
		"getpid@arm": 1}; !reflect.DeepEqual(calls.Counts, want) {
		t.Errorf("system calls %v, want %v", calls.Counts, want)
	}
}

// Of an older spool's machine no more is said than it tells: nothing of the one that reads it.
func TestConvertOlder(t *testing.T) {
	begin := beginning(elsewhere, 2)
	begin.Host = event.Host{}
	d, _ := captured(t, begin)
	r := converted(t, d, Extra{})
	if want := (event.Host{Kernel: elsewhere.Kernel, Arch: "arm64", CPUs: 3}); r.Manifest().
		Host != want {
		t.Errorf("recorded on %+v, want %+v", r.Manifest().Host, want)
	}
}

// Wherever a spool is cut off it becomes a run that says so, or stays.
func TestConvertCut(t *testing.T) {
	d, frames := captured(t, beginning(elsewhere, spool.Version))
	whole, err := os.ReadFile(filepath.Join(d.path, SpoolName))
	if err != nil {
		t.Fatal(err)
	}
	var cuts []int64 // in each frame, and between any two
	last := int64(0)
	for _, end := range frames {
		cuts = append(cuts, last, last+1, (last+end)/2, end-1)
		last = end
	}
	for _, n := range cuts {
		path := filepath.Join(t.TempDir(), "run")
		if err := errors.Join(os.Mkdir(path, 0o700),
			os.WriteFile(filepath.Join(path, SpoolName), whole[:n], 0o600)); err != nil {
			t.Fatal(err)
		}
		cut, err := Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = Convert(cut, Extra{})
		cut.Close()
		if n < frames[2] { // before anything is known of the window
			if _, e := os.Stat(filepath.Join(path, SpoolName)); err == nil || e != nil {
				t.Errorf("%d bytes: %v; the spool: %v", n, err, e)
			}
			if _, err := OpenRun(path); err == nil || !strings.Contains(err.Error(), "switchyard recover") {
				t.Errorf("%d bytes: %v", n, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		r, err := OpenRun(path)
		if err != nil {
			t.Fatal(err)
		}
		end, events := int64(1500), int64(0)
		if n >= frames[4] {
			end, events = 2500, 3
		}
		if n >= frames[6] {
			end, events = 9600, 5
		}
		m := r.Manifest()
		if m.Options.Steal != nil || m.Probe.Attach != nil {
			t.Errorf("%d bytes: what was not measured is %v, %v", n, m.Options.Steal,
				m.Probe.Attach)
		}
		if m.Window != (event.Window{Open: 1000, Close: end}) || m.Tables.Events.Rows != events ||
			!strings.Contains(fmt.Sprint(m.Warnings), "cut off") {
			t.Errorf("%d bytes: window %+v, %d events, %q", n, m.Window,
				m.Tables.Events.Rows, m.Warnings)
		}
		r.Close()
	}
}

// A tally is a sink that notes what it is told.
type tally struct {
	name   string
	log    *[]string
	refuse string
}

func (s *tally) say(what string) error {
	*s.log = append(*s.log, s.name+" "+what)
	if what == s.refuse {
		return errors.New("enough")
	}
	return nil
}

func (s *tally) Begin(*run.Reader) error    { return s.say("begin") }
func (s *tally) Event(e *event.Event) error { return s.say(fmt.Sprint(e.Time)) }
func (s *tally) End() error                 { return s.say("end") }

// Every sink gets everything once, in their order; an error of one ends all.
func TestReplay(t *testing.T) {
	d, _ := captured(t, beginning(elsewhere, spool.Version))
	r := converted(t, d, Extra{})
	for refuse, want := range map[string]string{
		"":      "a begin b begin a 2000 b 2000 a 2100 b 2100 a 2200 b 2200 a 3000 b 3000 a 9500 b 9500 a end b end",
		"begin": "a begin b begin",
		"2100":  "a begin b begin a 2000 b 2000 a 2100 b 2100",
		"end":   "a begin b begin a 2000 b 2000 a 2100 b 2100 a 2200 b 2200 a 3000 b 3000 a 9500 b 9500 a end b end",
	} {
		var log []string
		err := Replay(r, &tally{"a", &log, "never"}, &tally{"b", &log, refuse})
		if got := strings.Join(log, " "); got != want || (err == nil) != (refuse == "") {
			t.Errorf("refused %q: %v; %s, want %s", refuse, err, got, want)
		}
	}
}
