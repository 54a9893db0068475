package trace_test

import (
	"slices"
	"strings"
	"testing"

	"switchyard/internal/testenv"
	"switchyard/trace"
	"switchyard/trace/event"
)

// TestOffline: a CPU that goes offline and comes back, at every place of a window, fails no check:
// what is not known of the task that was on it is left out, by name, and when it was is said.
func TestOffline(t *testing.T) {
	for _, c := range []struct {
		name              string
		before, meanwhile string // o: offline, i: online
		absences          int
	}{
		{"in the window", "", "oi", 1},
		{"twice", "", "oioi", 2},
		{"does not come back", "", "o", 1},
		{"was gone before", "o", "i", 1},
		{"was gone before, and goes again", "o", "io", 2},
		{"all the time", "o", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			cpu := testenv.Unpluggable(t)
			steps := func(list string) {
				for _, what := range list {
					if what == 'o' {
						cpu.Offline(t)
					} else {
						cpu.Online(t)
					}
				}
			}
			s := session(t, trace.Options{MaxTasks: 1 << 12})
			if err := s.FollowAll(); err != nil {
				t.Fatal(err)
			}
			steps(c.before)
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			steps(c.meanwhile)
			read, err := s.Read()
			if err != nil {
				t.Fatal(err)
			}
			counts, err := s.Stop()
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range []*trace.Counts{read, counts} {
				balanced(t, got)
				if len(got.Offline) != c.absences {
					t.Errorf("offline %+v, want %d times", got.Offline, c.absences)
				}
				for _, o := range got.Offline {
					if o.CPU != int(cpu) || o.From < 0 || o.From >= o.To ||
						o.To > int64(got.Window) {
						t.Errorf("in a window of %v: %+v", got.Window, o)
					}
				}
				if n := len(got.Offline); n > 0 && (strings.HasSuffix(c.before+c.meanwhile, "o")) !=
					(got.Offline[n-1].To == int64(got.Window)) {
					t.Errorf("in a window of %v: %+v", got.Window, got.Offline)
				}
				for _, name := range []string{"nvcsw", "life"} {
					i := slices.IndexFunc(got.Checks, func(k event.Check) bool {
						return k.Name == name
					})
					if says := got.Checks[i].Reason; !strings.Contains(says, "(migration/") {
						t.Errorf("%s says %q", name, says)
					}
				}
			}
		})
	}
}

// TestRecordOffline: a recording says when a CPU went, and when it was back, and has no event of it
// in between.
func TestRecordOffline(t *testing.T) {
	cpu := testenv.Unpluggable(t)
	r := recorder(t, trace.RecordOptions{All: true})
	p := record(t, r, func() {
		cpu.Offline(t)
		cpu.Online(t)
	})
	if about := p.About(); about.NoHotplug != "" {
		t.Error(about.NoHotplug)
	}
	gone, back := 0, 0
	heard := false // since it is gone
	for i := range p.events {
		switch e := &p.events[i]; {
		case e.Kind == event.Offline && e.Value == int64(cpu):
			gone++
		case e.Kind == event.Online && e.Value == int64(cpu):
			back++
			if int(e.CPU) != int(cpu) {
				t.Errorf("CPU %d said so: %+v", e.CPU, *e)
			}
		case gone > back && int(e.CPU) == int(cpu) && !heard:
			// It comes up a little before it says so, with the idle task.
			heard = true
			if e.Kind == event.Switch && !e.Task.Idle() {
				t.Errorf("the first after it was gone: %+v", *e)
			}
		}
	}
	if gone != 1 || back != 1 {
		t.Errorf("it went %d times, and came %d times", gone, back)
	}
}
