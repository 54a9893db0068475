package trace

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"switchyard/internal/testenv"
)

// BenchmarkTaskLatencies measures what it takes to keep each task's latencies and not only the sum
// of all, where there are many tasks: the time in sched_switch's program (bpf_stats), of some 880
// tasks that switch all the time, one and the other in turn. Printed are medians, ns.
//
//	sudo go test -run '^$' -bench TaskLatencies -benchtime 9x ./trace
func BenchmarkTaskLatencies(b *testing.B) {
	stats, err := ebpf.EnableStats(0)
	if err != nil {
		b.Fatal(err)
	}
	defer stats.Close()
	var took [2][]float64
	for b.Loop() {
		for i, tasks := range []int{1, 1024} {
			took[i] = append(took[i], switchProgram(b, tasks))
		}
	}
	for i, unit := range []string{"together-ns/switch", "each-ns/switch"} {
		slices.Sort(took[i])
		b.ReportMetric(took[i][len(took[i])/2], unit)
	}
	b.ReportMetric(0, "ns/op")
}

// switchProgram is the mean time of a run of the program at sched_switch, ns, when so many tasks
// have latencies of their own.
func switchProgram(b *testing.B, tasks int) float64 {
	s, err := Open(Options{MaxTasks: tasks})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	load := exec.Command("perf", "bench", "sched", "messaging", "-g", "22", "-p", "-l", "600")
	if err := load.Start(); err != nil {
		b.Fatal(err)
	}
	defer load.Wait()
	if err := s.Follow(load.Process.Pid); err != nil {
		b.Fatal(err)
	}
	if err := s.Start(); err != nil {
		b.Fatal(err)
	}
	children := fmt.Sprintf("/proc/%d/task/%[1]d/children", load.Process.Pid)
	testenv.Eventually(b, "all are made", func() bool {
		list, err := os.ReadFile(children)
		return err != nil || len(strings.Fields(string(list))) == 22*40
	})
	program := s.objs.base.Programs["sched_switch"]
	before, err := program.Stats()
	if err != nil {
		b.Fatal(err)
	}
	time.Sleep(time.Second) // no state: so long it is measured
	after, err := program.Stats()
	if err != nil {
		b.Fatal(err)
	}
	return float64(after.Runtime-before.Runtime) / float64(after.RunCount-before.RunCount)
}
