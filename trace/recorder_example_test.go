package trace_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"switchyard/trace"
	"switchyard/trace/event"
	"switchyard/trace/spool"
)

// Every switch of a process and its descendants, from before it runs its first instruction. This
// needs root, or CAP_BPF and CAP_PERFMON; to read the file needs neither.
func ExampleRecorder() {
	dir, err := os.MkdirTemp("", "recorder-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "spool")
	switch err := recordShell(path); {
	case errors.Is(err, os.ErrPermission), errors.Is(err, errors.ErrUnsupported):
		log.Print(err) // which privilege is missing, or which ability, and what to do
	case err != nil:
		log.Fatal(err)
	default:
		if err := showSwitches(path); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("ok")
	// Output: ok
}

// recordShell records a shell that starts 50 programs.
func recordShell(path string) error {
	r, err := trace.OpenRecorder(trace.RecordOptions{})
	if err != nil {
		return err
	}
	defer r.Close()
	// It waits for a line, so that the window is open before anything happens.
	cmd := exec.Command("sh", "-c", "read go; for i in $(seq 50); do env true; done")
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Process.Kill()
	if err := r.Follow(cmd.Process.Pid); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := r.Start(f); err != nil {
		return err
	}
	fmt.Fprintln(in, "go")
	if err := cmd.Wait(); err != nil {
		return err
	}
	cost, err := r.Stop()
	if err != nil {
		return err
	}
	log.Printf("%d events in %d bytes, %d lost", cost.Events, cost.Bytes, cost.Lost)
	return nil
}

// showSwitches reads what was recorded.
func showSwitches(path string) error {
	recording, err := spool.Open(path)
	if err != nil {
		return err
	}
	defer recording.Close()
	switches := make(map[string]int)
	if err := recording.Events(func(e *event.Event) error {
		if e.Kind == event.Switch && e.Flags&event.FlagTaskTraced != 0 {
			switches[recording.Tasks()[e.Task].Name]++
		}
		return nil
	}); err != nil {
		return err
	}
	log.Print("switches away from tasks, by name: ", switches)
	return nil
}
