package spool_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"switchyard/trace/event"
	"switchyard/trace/spool"
)

// A spool whose recorder was killed is read up to where it is complete, and says so.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "spool-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "spool")
	killed(path)

	r, err := spool.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	events := 0
	if err := r.Events(func(*event.Event) error { events++; return nil }); err != nil {
		log.Fatal(err)
	}
	about := r.About()
	fmt.Println(about.Host.Name, about.Host.Arch, r.Window().Close-r.Window().Open, "ns,", events, "events")
	fmt.Println(r.Cut())
	// Output:
	// build7 arm64 500 ns, 0 events
	// the tracer ended before it could complete the recording: it ends where every CPU's events are known
}

// A recording is read wherever it is, without a privilege: each event, and the tasks it is about.
func ExampleRecording() {
	dir, err := os.MkdirTemp("", "spool-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "spool")
	recorded(path)

	r, err := spool.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	if err := r.Events(func(e *event.Event) error {
		if e.Kind == event.Waking {
			fmt.Printf("%d ns: %s becomes runnable, on CPU %d\n", e.Time,
				r.Tasks()[e.Task].Name, e.CPU)
		}
		return nil
	}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Records(), "records,", len(r.Tasks()), "task")
	// Output:
	// 1200 ns: server becomes runnable, on CPU 0
	// 2 records, 1 task
}

// recorded writes what a recorder does of a task that is made, and is woken by an interrupt while
// the CPU is idle: records as trace/bpf/event.h has them, each behind its ring's header.
func recorded(path string) {
	type record struct {
		Time        uint64
		Kind, Flags uint8
		CPU         uint16
		Task        uint32
	}
	type header struct{ Size, Page uint32 }
	var ring []byte
	for _, v := range []any{
		header{Size: 56}, record{Time: 1100, Kind: 5, Task: 100},
		struct {
			TGID, By, Old, Number uint32
			Start                 uint64
			Name                  [16]byte
		}{TGID: 100, Number: 100, Start: 1100, Name: [16]byte{'s', 'e', 'r', 'v', 'e', 'r'}},
		header{Size: 24}, record{Time: 1200, Kind: 2, Flags: 1, Task: 100},
		struct {
			By        uint32
			From      uint16
			Prio, Pad uint8
		}{Prio: 120},
	} {
		ring, _ = binary.Append(ring, binary.LittleEndian, v)
	}
	f, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	w := spool.NewWriter(f)
	begin, _ := json.Marshal(spool.Begin{Version: spool.Version, CPUs: 1, Online: 1, Rings: 1})
	window, _ := json.Marshal(spool.Mark{Time: 1000})
	end, _ := json.Marshal(spool.End{Mark: spool.Mark{Time: 2000}})
	w.Append(spool.FrameBegin, 0, begin)
	w.Append(spool.FrameOpen, 0, nil)
	w.Append(spool.FrameWindow, 0, window)
	w.Append(spool.FrameRing, 0, ring)
	w.Append(spool.FrameKnown, 0, []byte{0xd0, 7, 0, 0, 0, 0, 0, 0}) // 2,000
	w.Append(spool.FrameClose, 0, nil)
	w.Append(spool.FrameEnd, 0, end)
}

// killed writes what a recorder has written when nothing has happened yet, and it is killed.
func killed(path string) {
	f, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	w := spool.NewWriter(f)
	begin, _ := json.Marshal(spool.Begin{Version: spool.Version, CPUs: 1, Online: 1, Rings: 1,
		Host: event.Host{Name: "build7", Arch: "arm64"}})
	window, _ := json.Marshal(spool.Mark{Time: 1000})
	w.Append(spool.FrameBegin, 0, begin)
	w.Append(spool.FrameWindow, 0, window)
	w.Append(spool.FrameKnown, 0, []byte{0xdc, 5, 0, 0, 0, 0, 0, 0}) // 1,500
}
