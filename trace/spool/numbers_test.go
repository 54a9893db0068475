package spool

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"switchyard/trace/event"
)

// snapshotOf is a row of the walk.
func snapshotOf(tid, tgid, nr uint32, start uint64, comm string) []byte {
	b := make([]byte, snapshotSize)
	le := binary.LittleEndian
	le.PutUint32(b[12:], tid)
	le.PutUint32(b[16:], tgid)
	le.PutUint32(b[28:], nr)
	le.PutUint64(b[32:], start)
	copy(b[72:], comm)
	return b
}

// identityOf is a record_identity.
func identityOf(kind recordKind, time uint64, flags recordFlag, tid, tgid, by, old, nr uint32,
	start uint64, comm string) []byte {
	b := ringRecord(kind, time, 0, tid)
	le := binary.LittleEndian
	b[17] = byte(flags)
	for i, v := range []uint32{tgid, by, old, nr} {
		le.PutUint32(b[24+4*i:], v)
	}
	le.PutUint64(b[40:], start)
	copy(b[48:], comm)
	return b
}

func freedOf(time uint64, tid uint32, start uint64) []byte {
	return ringRecord(kindFree, time, 0, tid, binary.LittleEndian.AppendUint64(nil, start)...)
}

// Tasks have the numbers of the recorder's PID namespace, through everything that changes the
// kernel's, and those outside have none. In the first namespace, and in spools of version 1, they
// have the kernel's.
func TestRecordingNumbers(t *testing.T) {
	const (
		made    = kindNew
		exec    = kindExec
		rename  = kindRename
		thread  = recordFlag(event.FlagThread)
		process = recordFlag(0)
	)
	var opened, ring []byte
	for _, row := range [][]byte{
		snapshotOf(101, 102, 1, 11, "thread"), // before its leader: the numbers have come round
		snapshotOf(102, 102, 3, 10, "leader"),
		snapshotOf(200, 200, 4, 12, "tracer"),
	} {
		opened = append(opened, row...)
	}
	for _, record := range [][]byte{
		identityOf(made, 100, thread, 103, 102, 102, 0, 5, 100, "second"),
		identityOf(made, 101, process, 900, 900, 899, 0, 0, 101, "outside"), // as is its maker
		identityOf(made, 102, thread, 901, 200, 200, 0, 6, 102, "tracer's"),
		// the second thread is the leader now
		identityOf(exec, 110, 0, 102, 102, 103, 103, 3, 100, "program"),
		freedOf(120, 103, 10),               // the leader it was
		ringRecord(kindWaking, 121, 0, 103), // whoever has its number now was not seen to come
		freedOf(130, 901, 102),
		// into a namespace of its own elsewhere
		identityOf(made, 140, process, 901, 901, 102, 0, 0, 140, "gone out"),
		ringRecord(kindWaking, 141, 0, 7),
		identityOf(rename, 142, 0, 7, 7, 7, 0, 8, 1, "late"), // known from a waking only
	} {
		ring = append(ring, record...)
	}
	for _, c := range []struct {
		what  string
		begin Begin
		want  map[string][2]int
	}{
		{"namespace", Begin{Version: 2, Level: 1}, map[string][2]int{
			"thread": {1, 3}, "program": {3, 3}, "outside": {0, 0}, "tracer": {4, 4},
			"tracer's": {6, 4}, "gone out": {0, 0}, "late": {8, 0},
		}},
		{"first", Begin{Version: 2}, map[string][2]int{
			"thread": {101, 102}, "program": {102, 102}, "outside": {900, 900},
			"tracer": {200, 200}, "tracer's": {901, 200}, "gone out": {901, 901}, "late": {7, 0},
		}},
		{"version 1", Begin{Version: 1}, map[string][2]int{
			"thread": {101, 102}, "program": {102, 102}, "outside": {900, 900},
			"tracer": {200, 200}, "tracer's": {901, 200}, "gone out": {901, 901}, "late": {7, 0},
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			c.begin.CPUs, c.begin.Online, c.begin.Rings, c.begin.Tracer = 2, 2, 2, 200
			r, err := Open(spoolBegun(t, c.begin, opened, ring, nil, nil, true))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			tasks := map[string]event.TaskID{}
			var stranger event.TaskID
			if err := r.Events(func(e *event.Event) error {
				tasks[r.Tasks()[e.Task].Name] = e.Task
				if e.Time == 121 {
					stranger = e.Task
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if cut := r.Cut(); cut != "" {
				t.Fatal(cut)
			}
			for name, want := range c.want {
				found := 0
				for _, task := range r.Tasks() {
					if task.Name != name {
						continue
					}
					found++
					if got := [2]int{task.TID, task.TGID}; got != want {
						t.Errorf("%s: TID and TGID %v, want %v", name, got, want)
					}
					if task.Tracer != (name == "tracer's") { // of a snapshot its flag says it
						t.Errorf("%s: tracer is %v", name, task.Tracer)
					}
				}
				if found != 1 {
					t.Errorf("%s: %d tasks", name, found)
				}
			}
			if got := r.Tasks()[stranger].TID; c.begin.Level > 0 && got != 0 {
				t.Errorf("a task of which nothing is known has TID %d", got)
			}
		})
	}
}

// A spool of a later version is refused, and the error says so.
func TestSpoolLaterVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	s := NewWriter(f)
	begin, err := json.Marshal(Begin{Version: Version + 1, CPUs: 1, Rings: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Append(FrameBegin, 0, begin), f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "newer") {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// TestRenumbered: from the record on that says so, thread and leader have each other's numbers,
// whoever of them says it, and however often, and the event of exec changes no more of it.
func TestRenumbered(t *testing.T) {
	const leader, thread = 9, 7
	identity := func(kind recordKind, time uint64, tid, by, old uint32) []byte {
		b := ringRecord(kind, time, 0, tid)
		for i, n := range []uint32{leader, by, old, tid} {
			binary.LittleEndian.PutUint32(b[24+4*i:], n)
		}
		binary.LittleEndian.PutUint64(b[40:], 1) // start
		return b
	}
	said := func(time uint64, byThread bool) []byte {
		if byThread {
			return identity(kindNumber, time, leader, 5, thread)
		}
		return identity(kindNumber, time, thread, 6, leader)
	}
	for _, words := range [][]bool{{true}, {false}, {true, true}, {true, false}, {false, true},
		{false, false, true, true}} {
		ring := slices.Concat(
			identity(kindNew, 10, leader, 1, 0),
			identity(kindNew, 11, thread, leader, 0),
			ringRecord(kindWaking, 12, 0, thread))
		for i, w := range words {
			ring = append(ring, said(uint64(20+i), w)...)
		}
		ring = slices.Concat(ring,
			ringRecord(kindWaking, 30, 0, leader),
			identity(kindExec, 40, leader, 1, thread),
			ringRecord(kindWaking, 50, 0, leader))
		r, err := Open(spoolOf(t, nil, ring, nil, nil, true))
		if err != nil {
			t.Fatal(err)
		}
		var woken []event.TaskID
		if err := r.Events(func(e *event.Event) error {
			if e.Kind == event.Waking {
				woken = append(woken, e.Task)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(woken) != 3 || woken[1] != woken[0] || woken[2] != woken[0] {
			t.Errorf("said %v: woken are tasks %v, want the same three times", words, woken)
		}
		r.Close()
	}
}

// TestRenamedByExec: the name that exec in a thread gives to it comes under the leader's number,
// before the event of exec, and before or after whatever else says that the two have exchanged
// their numbers. It is never the old leader's.
func TestRenamedByExec(t *testing.T) {
	const leader, thread = 9, 7
	identity := func(kind recordKind, time uint64, tid, by, old uint32, start uint64,
		comm string) []byte {
		return identityOf(kind, time, 0, tid, leader, by, old, tid, start, comm)
	}
	begin := slices.Concat(
		identity(kindNew, 10, leader, 1, 0, 1, "parent"),
		identity(kindRename, 11, leader, leader, 0, 1, "old leader"),
		identity(kindNew, 12, thread, leader, 0, 2, "thread"))
	said := identity(kindNumber, 20, leader, 5, thread, 1, "thread")
	freed := freedOf(20, thread, 1)
	renamed := identity(kindRename, 20, leader, leader, 0, 1, "program")
	executed := identity(kindExec, 40, leader, leader, thread, 1, "program")
	again := identity(kindRename, 50, leader, leader, 0, 1, "itself")
	for what, middle := range map[string][][]byte{
		"only exec says it":     {renamed},
		"a number before":       {said, renamed},
		"a number after":        {renamed, said},
		"freed before":          {freed, renamed},
		"freed after":           {renamed, freed},
		"a number, then freed":  {renamed, said, freed},
		"all before":            {said, freed, renamed},
		"twice, then the name":  {said, said, renamed},
		"between them the name": {said, renamed, freed},
	} {
		for _, all := range []bool{false, true} {
			ring := slices.Concat(begin, slices.Concat(middle...), executed, again)
			r, err := Open(spoolBegun(t, Begin{Version: 2, CPUs: 2, Online: 2, Rings: 2, All: all},
				nil, ring, nil, nil, true))
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Events(func(*event.Event) error { return nil }); err != nil {
				t.Fatal(err)
			}
			if cut := r.Cut(); cut != "" {
				t.Fatal(cut)
			}
			names := map[string]int{}
			for _, task := range r.Tasks() {
				names[task.Name] = task.TID
			}
			if _, ok := names["old leader"]; !ok || names["itself"] != leader {
				t.Errorf("%s, all %t: %v", what, all, names)
			}
			r.Close()
		}
	}
}
