package switchcost

import (
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"switchyard/trace/event"
)

func TestMiddleMean(t *testing.T) {
	for _, c := range []struct {
		times []time.Duration
		want  time.Duration
	}{
		{[]time.Duration{7}, 7},
		{[]time.Duration{1, 2}, 2}, // 1.5, rounded
		{[]time.Duration{1000, 10, 20, 1}, 15},
		{[]time.Duration{100, 110, 100, 110, 5000, 100, 110, 90}, 105},
	} {
		if got := middleMean(slices.Clone(c.times)); got != c.want {
			t.Errorf("%d: %d, want %d", c.times, got, c.want)
		}
	}
}

// BenchmarkSwitchProbe measures the probe by another way than calibrate does: programs that only
// read the clock are attached between two stamps, and what they add to the time of choosing is
// divided by their number. The same number behind the last stamp should add nothing to the time of
// switching but the kernel's loop over several programs, which one alone does not need. With and
// without are interleaved.
//
//	go test -run '^$' -bench SwitchProbe -benchtime 9x ./trace
func BenchmarkSwitchProbe(b *testing.B) {
	const extra = 8
	s, err := Open(Options{CPUs: []int{0}})
	if err != nil {
		b.Skip(err)
	}
	defer s.Close()
	if s.by != byExit {
		b.Skip(s.by)
	}
	// A program is attached to a hook once: each of these is another one.
	load := func(hook string) (progs []*ebpf.Program) {
		for range extra {
			spec, err := loadCost()
			if err != nil {
				b.Fatal(err)
			}
			for name, p := range spec.Programs {
				if name != "cost_null_first" {
					delete(spec.Programs, name)
				}
				p.AttachTo = hook
			}
			coll, err := ebpf.NewCollection(spec)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(coll.Close)
			progs = append(progs, coll.Programs["cost_null_first"])
		}
		return progs
	}
	configs := []struct {
		progs []*ebpf.Program
		part  [2][]time.Duration // mean times of choosing and switching
	}{{}, {progs: load("sched_entry_tp")}, {progs: load("sched_exit_tp")}}
	for b.Loop() {
		for i := range configs {
			c := &configs[i]
			if err := s.Start(); err != nil {
				b.Fatal(err)
			}
			var links []link.Link
			for _, p := range c.progs {
				l, err := link.AttachTracing(link.TracingOptions{Program: p})
				if err != nil {
					b.Fatal(err)
				}
				links = append(links, l)
			}
			if err := pingPong(0, 5000); err != nil {
				b.Fatal(err)
			}
			costs, err := s.Stop()
			if err != nil {
				b.Fatal(err)
			}
			closeLinks(links)
			own := &costs.Kinds[event.SwitchThread]
			c.part[0] = append(c.part[0], own.Choosing.Quantile(.5))
			c.part[1] = append(c.part[1], own.Switching.Quantile(.5))
		}
	}
	median := func(i, part int) float64 { return float64(middleMean(configs[i].part[part])) }
	b.ReportMetric(float64(s.probe.Median), "ns/probe")
	b.ReportMetric((median(1, 0)-median(0, 0))/extra, "ns/program")
	b.ReportMetric(median(2, 1)-median(0, 1), "ns/loop")
	b.ReportMetric(0, "ns/op")
}
