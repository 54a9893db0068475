package spool_test

import (
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
