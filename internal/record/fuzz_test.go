package record

import (
	"encoding/binary"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"switchyard/trace/event"
	"switchyard/trace/spool"
)

// Whatever lies in the frames of a spool, it becomes a run that can be read and analysed, or an
// error.
func FuzzConvert(f *testing.F) {
	calls := slices.Concat(syscallRecord(event.SyscallEnter, 0, 2000, 172),
		syscallRecord(event.SyscallExit, 0, 2100, 0))
	f.Add([]byte{}, calls, calls, []byte{}, uint64(2050), true)
	f.Add(make([]byte, 88), calls, []byte{1, 2, 3}, make([]byte, 88), uint64(1)<<63, false)
	f.Fuzz(func(t *testing.T, opened, ring0, ring1, closed []byte, known uint64, whole bool) {
		d, err := Create(filepath.Join(t.TempDir(), "run"), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		w := spool.NewWriter(d.Spool())
		frame := func(kind spool.FrameKind, ring int, payload any) {
			b, raw := payload.([]byte)
			if !raw {
				if b, err = json.Marshal(payload); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Append(kind, ring, b); err != nil {
				t.Fatal(err)
			}
		}
		begin := beginning(elsewhere, spool.Version)
		begin.Rings, begin.All = 2, true
		frame(spool.FrameBegin, 0, begin)
		frame(spool.FrameOpen, 0, opened)
		frame(spool.FrameWindow, 0, spool.Mark{Time: 1000})
		frame(spool.FrameRing, 0, ring0)
		frame(spool.FrameRing, 1, ring1)
		frame(spool.FrameKnown, 0, binary.LittleEndian.AppendUint64(nil, known))
		frame(spool.FrameClose, 0, closed)
		if whole {
			frame(spool.FrameEnd, 0, spool.End{Mark: spool.Mark{Time: 1 << 40}})
		}
		if Convert(d, Extra{}) != nil {
			return
		}
		r, err := d.Run()
		if err != nil {
			t.Fatalf("the run cannot be read: %v", err)
		}
		defer r.Close()
		var scheduling Scheduling
		var counted Syscalls
		if err := Replay(r, &scheduling, &counted); err != nil {
			t.Fatal(err)
		}
		if scheduling.Result() == nil || !whole && len(r.Manifest().Warnings) == 0 {
			t.Errorf("result %v, warnings %q", scheduling.Result(), r.Manifest().Warnings)
		}
	})
}
