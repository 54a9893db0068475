package trace

import (
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"switchyard/internal/sys"
)

// BenchmarkFloor measures what no probe can do without: programs that return at once, and such that
// read the clock before, at a switch with its waking (sched_waking and sched_switch, one pair of
// which is a unit) and at a system call. Probes off and on are interleaved, in an operation of so
// many rounds; printed are medians, ns.
//
//	sudo go test -run '^$' -bench Floor -benchtime 101x ./trace
func BenchmarkFloor(b *testing.B) {
	clock := asm.Instructions{asm.FnKtimeGetNs.Call()}
	sets := []struct {
		unit   string
		points []string
		body   asm.Instructions
		call   bool
		added  []float64
	}{
		{unit: "empty-ns/switch", points: []string{"sched_switch", "sched_waking"}},
		{unit: "clock-ns/switch", points: []string{"sched_switch", "sched_waking"}, body: clock},
		{unit: "empty-ns/call", points: []string{"sys_enter"}, call: true},
	}
	<-sys.Thread("sy-floor", func() {
		var w calibration
		if err := w.start(); err != nil {
			b.Error(err)
			return
		}
		defer w.stop()
		for b.Loop() {
			for i := range sets {
				s := &sets[i]
				run := w.switches
				if s.call {
					run = w.calls
				}
				before := run()
				var links []link.Link
				for _, point := range s.points {
					p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.Tracing,
						AttachType: ebpf.AttachTraceRawTp, AttachTo: point, License: "GPL",
						Instructions: append(append(asm.Instructions{}, s.body...),
							asm.Mov.Imm(asm.R0, 0), asm.Return())})
					if err != nil {
						b.Error(err)
						return
					}
					l, err := link.AttachTracing(link.TracingOptions{Program: p})
					p.Close() // the link holds it
					if err != nil {
						b.Error(err)
						return
					}
					links = append(links, l)
				}
				run() // the programs come into the caches
				with := run()
				for _, l := range links {
					l.Close()
				}
				s.added = append(s.added, with-(before+run())/2)
			}
		}
	})
	for _, s := range sets {
		slices.Sort(s.added)
		b.ReportMetric(s.added[len(s.added)/2], s.unit)
	}
	b.ReportMetric(0, "ns/op")
}
