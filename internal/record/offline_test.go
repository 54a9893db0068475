package record

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"switchyard/internal/run"
	"switchyard/trace/event"
	"switchyard/trace/spool"
)

// cpuRecord is a struct record_cpu as it lies in a ring.
func cpuRecord(kind event.Kind, time int64, cpu, of uint16) []byte {
	b := make([]byte, 8+24)
	binary.LittleEndian.PutUint32(b, 24)
	binary.LittleEndian.PutUint64(b[8:], uint64(time))
	b[16] = byte(kind)
	binary.LittleEndian.PutUint16(b[18:], cpu)
	binary.LittleEndian.PutUint16(b[24:], of)
	return b
}

// unplugged fills the spool of a new directory: in a window from 1,000 to 9,000 CPU 1 goes offline
// and comes back; CPU 2 comes, which was not there when the window opened.
func unplugged(t *testing.T, known int64, end bool) *Directory {
	t.Helper()
	d, err := Create(filepath.Join(t.TempDir(), "run"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	w := spool.NewWriter(d.Spool())
	add := func(kind spool.FrameKind, payload any) {
		b, raw := payload.([]byte)
		if !raw {
			if b, err = json.Marshal(payload); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Append(kind, 0, b); err != nil {
			t.Fatal(err)
		}
	}
	begin := beginning(elsewhere, spool.Version)
	begin.All = true
	add(spool.FrameBegin, begin)
	add(spool.FrameWindow, spool.Mark{Time: 1000, Online: "0-1"})
	add(spool.FrameRing, slices.Concat(cpuRecord(event.Offline, 2000, 0, 1),
		cpuRecord(event.Online, 5000, 2, 2), cpuRecord(event.Online, 6000, 1, 1)))
	add(spool.FrameKnown, binary.LittleEndian.AppendUint64(nil, uint64(known)))
	if end {
		add(spool.FrameEnd, spool.End{Mark: spool.Mark{Time: 9000}})
	}
	return d
}

// TestOffline: what a spool says of CPUs that go and come is in the run, and in what is found out.
func TestOffline(t *testing.T) {
	for _, c := range []struct {
		name  string
		known int64
		end   bool
		want  []event.Absence
	}{
		{"whole", 9500, true, []event.Absence{{CPU: 2, From: 0, To: 4000},
			{CPU: 1, From: 1000, To: 5000}}},
		{"cut off meanwhile", 4000, false, []event.Absence{{CPU: 1, From: 1000, To: 3000}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := unplugged(t, c.known, c.end)
			r := converted(t, d, Extra{})
			if o := r.Manifest().Options; o.CPUs != "0-1" || o.NoHotplug != "" {
				t.Errorf("CPUs %q, %q", o.CPUs, o.NoHotplug)
			}
			// The machine can have three.
			if shown, err := Show(r); err != nil || shown.Host.CPUs != 2 {
				t.Errorf("%+v, %v, want 2 CPUs", shown, err)
			}
			var s Scheduling
			if err := Replay(r, &s); err != nil {
				t.Fatal(err)
			}
			if got := s.Result().Offline; !slices.Equal(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// A run is read as a request from the network is: its list of CPUs too.
func TestOfflineHostile(t *testing.T) {
	for _, cpus := range []string{"none", "0-70000", strings.Repeat("0-65535,", 1000) + "0"} {
		d := unplugged(t, 9500, true)
		if err := Convert(d, Extra{}); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(d.path, "manifest.json")
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.Replace(string(text), `"cpus": "0-1"`, `"cpus": "`+cpus+`"`, 1))
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := OpenRun(d.path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := Replay(r, &Scheduling{}); !errors.Is(err, run.ErrDamaged) {
			t.Errorf("%.20s: %v", cpus, err)
		}
	}
}
