package spool

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"switchyard/trace/event"
)

// spoolOf writes a spool with these frames.
func spoolOf(t testing.TB, opened, ring0, ring1, closed []byte, end bool) string {
	t.Helper()
	return spoolIn(t, 0, opened, ring0, ring1, closed, end)
}

// spoolIn writes one as if the recorder had run in a PID namespace of that depth.
func spoolIn(t testing.TB, level uint32, opened, ring0, ring1, closed []byte, end bool) string {
	t.Helper()
	return spoolBegun(t, Begin{Version: Version, CPUs: 2, Online: 2, Rings: 2, Level: level},
		opened, ring0, ring1, closed, end)
}

func spoolBegun(t testing.TB, begin Begin, opened, ring0, ring1, closed []byte, end bool) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	s := NewWriter(f)
	js := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	frames := []struct {
		kind    FrameKind
		ring    int
		payload []byte
	}{
		{FrameBegin, 0, js(begin)},
		{FrameOpen, 0, opened},
		{FrameWindow, 0, js(Mark{Time: 10})},
		{FrameRing, 0, ring0},
		{FrameKnown, 0, binary.LittleEndian.AppendUint64(nil, 105)},
		{FrameRing, 1, ring1},
		{FrameKnown, 0, binary.LittleEndian.AppendUint64(nil, 1<<40)},
		{FrameClose, 0, closed},
	}
	for _, f := range frames {
		if err := s.Append(f.kind, f.ring, f.payload); err != nil {
			t.Fatal(err)
		}
	}
	if end {
		if err := s.Append(FrameEnd, 0, js(End{Mark: Mark{Time: 1 << 40}})); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// ringRecord is a record as it lies in a ring, with the ring's header.
func ringRecord(kind recordKind, time uint64, cpu uint16, task uint32, rest ...byte) []byte {
	size := sizes[kind]
	b := make([]byte, 8+(size+7)&^7)
	binary.LittleEndian.PutUint32(b, uint32(size))
	binary.LittleEndian.PutUint64(b[8:], time)
	b[16] = byte(kind)
	binary.LittleEndian.PutUint16(b[18:], cpu)
	binary.LittleEndian.PutUint32(b[20:], task)
	copy(b[24:], rest)
	return b
}

// read reads a spool to its end, and holds what comes out to what always holds.
func read(t testing.TB, path string) (events int) {
	r, err := Open(path)
	if err != nil {
		if !errors.Is(err, ErrFormat) {
			t.Fatalf("an error of another kind: %v", err)
		}
		return 0
	}
	defer r.Close()
	last := int64(-1 << 63)
	err = r.Events(func(e *event.Event) error {
		if e.Time < last {
			t.Fatalf("event at %d after one at %d", e.Time, last)
		}
		last = e.Time
		for _, id := range []event.TaskID{e.Task, e.Other} {
			if id >= 0 && int(id) >= len(r.Tasks()) {
				t.Fatalf("task %d of %d", id, len(r.Tasks()))
			}
			if id >= 0 && (r.Tasks()[id].TID < 0 || r.Tasks()[id].TID > maxTID) {
				t.Fatalf("task %d is %+v", id, r.Tasks()[id])
			}
		}
		if int(e.CPU) >= r.About().Host.CPUs {
			t.Fatalf("CPU %d of %d", e.CPU, r.About().Host.CPUs)
		}
		events++
		return nil
	})
	if err != nil && !errors.Is(err, ErrFormat) {
		t.Fatalf("an error of another kind: %v", err)
	}
	r.Closed()
	r.Last()
	r.Lost()
	r.Window()
	r.Cut()
	return events
}

func every(t uint64) (b []byte) {
	for kind := kindSwitch; kind <= kindBooks; kind++ {
		if sizes[kind] == 0 {
			continue // a number that is no kind's
		}
		b = append(b, ringRecord(kind, t+uint64(kind), 1, 7, 9, 0, 0, 0, 1)...)
	}
	return b
}

// Whatever lies in a ring's frame, or in a snapshot's, the reader comes to an end and tells the
// truth about what is not one.
func FuzzRecords(f *testing.F) {
	f.Add(make([]byte, snapshotSize), every(100), every(50), make([]byte, snapshotSize), true)
	f.Add([]byte{}, every(100), every(0xfd<<56), []byte{}, true) // a time that is none
	f.Add([]byte{}, every(100)[:77], []byte{1, 2, 3}, []byte{}, false)
	for kind := kindSwitch; kind <= kindBooks; kind++ { // of the idle task
		if sizes[kind] == 0 {
			continue
		}
		f.Add([]byte{}, ringRecord(kind, 100, 1, 0), []byte{}, []byte{}, true)
	}
	f.Fuzz(func(t *testing.T, opened, ring0, ring1, closed []byte, end bool) {
		for level := range uint32(2) {
			read(t, spoolIn(t, level, opened, ring0, ring1, closed, end))
		}
	})
}

// Whatever a file is, it is a spool, a spool that was cut off, or refused.
func FuzzSpool(f *testing.F) {
	b, err := os.ReadFile(spoolOf(f, make([]byte, snapshotSize), every(100), every(50), nil, true))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add(b[:30])
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "spool")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, path)
	})
}

// Whatever number a record has in whatever place, before and after others, it is read or refused.
func TestHostileNumbers(t *testing.T) {
	numbers := []uint32{0, 1, 2, 7, 9, 1 << 15, maxTID, maxTID + 1, 1<<31 - 1, 1 << 31, 1<<32 - 1}
	var rings [][]byte
	for kind := kindSwitch; kind <= kindBooks; kind++ {
		for at := 0; at < sizes[kind]; at += 4 {
			for _, n := range numbers {
				b := ringRecord(kind, 1000, 1, 7, 9, 0, 0, 0, 1)
				binary.LittleEndian.PutUint32(b[8+at:], n)
				rings = append(rings, b)
			}
		}
	}
	before, after := every(100), every(2000)
	for _, b := range rings {
		read(t, spoolOf(t, nil, nil, b, nil, true))
		read(t, spoolOf(t, nil, nil, slices.Concat(before, b, after), nil, true))
	}
}

// A spool that ends anywhere gives what is whole of it, and says that it was cut off.
func TestSpoolCutAnywhere(t *testing.T) {
	path := spoolOf(t, make([]byte, snapshotSize), every(100), every(50), nil, true)
	whole := read(t, path)
	if want := 2 * int(kindSyscallExit); whole != want {
		t.Fatalf("%d events, want %d: all but the losses and new numbers", whole, want)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	for n := range b {
		cut := filepath.Join(t.TempDir(), "spool")
		if err := os.WriteFile(cut, b[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		events := read(t, cut)
		if events < last {
			t.Fatalf("%d bytes give %d events, and %d gave %d", n, events, n-1, last)
		}
		last = events
		if r, err := Open(cut); err == nil {
			if r.Cut() == "" {
				t.Errorf("%d of %d bytes are not known to be cut off", n, len(b))
			}
			r.Close()
		}
	}
}

// Two rings' records, and those of an interrupt, which follow the one of the probe it came into,
// come in the order of time.
func TestRecordsInOrder(t *testing.T) {
	var a, b []byte
	var want []int64
	for i := uint64(0); i < 50; i++ {
		at := 1000 * (i + 1)
		a = append(a, ringRecord(kindSyscallEnter, at+500, 0, 8)...)
		for j := uint64(0); j < 10*lookAhead; j++ {
			a = append(a, ringRecord(kindWaking, at+j, 0, 7)...)
			want = append(want, int64(at+j))
		}
		b = append(b, ringRecord(kindWaking, at+15, 1, 9)...)
		want = append(want, int64(at+15), int64(at+500))
	}
	slices.Sort(want)
	r, err := Open(spoolOf(t, nil, a, b, nil, true))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got []int64
	if err := r.Events(func(e *event.Event) error {
		got = append(got, e.Time)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d events, want %d: not all at their times and in their order",
			len(got), len(want))
	}
}

// A record that is nowhere near where its time belongs takes the time of the one before.
func TestRecordOutOfPlace(t *testing.T) {
	var a []byte
	for i := uint64(0); i < 10*lookAhead; i++ {
		a = append(a, ringRecord(kindWaking, 1000+i, 0, 7)...)
	}
	a = append(a, ringRecord(kindWaking, 1, 0, 7)...)
	if n := read(t, spoolOf(t, nil, a, nil, nil, true)); n != 10*lookAhead+1 {
		t.Errorf("%d events, want %d", n, 10*lookAhead+1)
	}
}
