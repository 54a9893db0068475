package trace_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"text/tabwriter"
	"time"

	"switchyard/trace"
)

// A live view: what each task of a process, and of all that it starts, did since the last look. The
// window stays open meanwhile, so that nothing is lost between two looks, and a task that ends is
// in one more of them. This needs root, or CAP_BPF and CAP_PERFMON; without, it says so.
func ExampleSession_Read() {
	if err := live(os.Stderr, 3, 10*time.Millisecond); err != nil {
		log.Print(err) // which privilege is missing, or which ability, and what to do
	}
	fmt.Println("seen")
	// Output: seen
}

// live shows a shell and what it starts, in so many looks.
func live(w io.Writer, looks int, every time.Duration) error {
	s, err := trace.Open(trace.Options{MaxTasks: 100})
	if err != nil {
		return err
	}
	defer s.Close()
	cmd := exec.Command("sh", "-c", "while :; do true | cat; done")
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if err := s.Follow(cmd.Process.Pid); err != nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	var last *trace.Counts
	tick := time.Tick(every)
	for range looks {
		<-tick
		c, err := s.Read()
		if err != nil {
			return err
		}
		if err := look(w, c.Since(last)); err != nil {
			return err
		}
		last = c
	}
	return nil
}

// look writes a row for each task that did something.
func look(w io.Writer, c *trace.Change) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "pid\ttid\tname\tswitches\twake-ups\tmigrations\ton CPU\tin the queue\tblocked\t\n")
	for _, r := range c.Tasks {
		if r.Switches.Total() == 0 && r.Exits == 0 {
			continue
		}
		name := r.Name
		if r.Exits > 0 {
			name += " (ended)"
		}
		fmt.Fprintf(t, "%d\t%d\t%q\t%d\t%d\t%d\t%v\t%v\t%v\t\n", r.TGID, r.TID, name,
			r.Switches.Total(), r.Wakeups, r.Migrations.Total, r.OnCPU, r.RunQueue, r.Blocked)
	}
	fmt.Fprintf(t, "\t\tall\t%d\t%d\t%d\t%v\t%v\t%v\t\n", c.Total.Switches.Total(), c.Total.Wakeups,
		c.Total.Migrations.Total, c.Total.OnCPU, c.Total.RunQueue, c.Total.Blocked)
	return t.Flush()
}
