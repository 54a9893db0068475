package run

import (
	"path/filepath"
	"testing"
)

// An event takes at most eight bytes on disk, all tables and the manifest included, in recordings
// of a million events of machines small and large: nearly idle ones, where the time between events
// is what takes space, and full ones, where CPUs and tasks do.
func TestBytesPerEvent(t *testing.T) {
	for _, machine := range []struct {
		name        string
		cpus, tasks int
		syscalls    bool
		most        float64
	}{
		{"2 CPUs", 2, 300, false, 7},
		{"2 CPUs with system calls", 2, 300, true, 6},
		{"16 CPUs", 16, 800, false, 7.5},
		{"64 CPUs", 64, 4000, false, 7.7},
		{"256 CPUs", 256, 4000, false, 8},
	} {
		t.Run(machine.name, func(t *testing.T) {
			s := newStream(1, machine.cpus, machine.tasks, machine.syscalls)
			const n = 1_000_000
			dir := filepath.Join(t.TempDir(), "run")
			write(t, dir, s.events(n), s.table())
			r, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			tables := r.Manifest().Tables
			total := tables.Events.Bytes + tables.Tasks.Bytes + tables.Snapshots.Bytes +
				tables.Lost.Bytes
			each := float64(total) / n
			t.Logf("%.2f bytes an event", each)
			if each > machine.most {
				t.Errorf("%.2f bytes an event, want at most %g", each, machine.most)
				for i, c := range eventColumns {
					var bytes int64
					for g := range r.events.Groups() {
						bytes += r.events.ChunkBytes(g, i)
					}
					t.Logf("%s: %.2f bits", c.Name, 8*float64(bytes)/n)
				}
			}
		})
	}
}
