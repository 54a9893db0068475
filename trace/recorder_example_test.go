package trace_test

import (
	"log"
	"os"
	"time"

	"switchyard/trace"
	"switchyard/trace/event"
	"switchyard/trace/spool"
)

// Every switch of a process and its descendants, for a second. This needs root, or CAP_BPF and
// CAP_PERFMON; to read the file needs neither.
func ExampleRecorder() {
	r, err := trace.OpenRecorder(trace.RecordOptions{})
	if err != nil {
		log.Fatal(err) // says what is missing, and what to do
	}
	defer r.Close()
	if err := r.Follow(os.Getppid()); err != nil {
		log.Fatal(err)
	}
	f, err := os.Create("spool")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if err := r.Start(f); err != nil {
		log.Fatal(err)
	}
	time.Sleep(time.Second)
	if _, err := r.Stop(); err != nil {
		log.Fatal(err)
	}

	recording, err := spool.Open("spool")
	if err != nil {
		log.Fatal(err)
	}
	defer recording.Close()
	if err := recording.Events(func(e *event.Event) error {
		if e.Kind == event.Switch && e.Task >= 0 {
			log.Printf("CPU %d: %s leaves", e.CPU, recording.Tasks()[e.Task].Name)
		}
		return nil
	}); err != nil {
		log.Fatal(err)
	}
}
