package trace_test

import (
	"fmt"
	"testing"

	"switchyard/trace"
	"switchyard/trace/event"
	"switchyard/trace/switchcost"
)

// BenchmarkSwitchCost measures the switches of a ping-pong of two threads and of two processes on
// one CPU: alone, and with a session between the probes, whose time is not to be in the figures.
// They are interleaved, and each figure is the median of all switches of the kind. The last two are
// of whatever else ran meanwhile.
//
//	go test -run '^$' -bench SwitchCost -benchtime 5x ./trace
func BenchmarkSwitchCost(b *testing.B) {
	session(b, trace.Options{Probes: []string{"syscall", "tlb"}}).Close()
	const rounds = 10007
	type result struct {
		thread, addressSpace, lazy, idle event.SwitchTimes
	}
	var results [2]result
	var probe event.ProbeTime
	for b.Loop() {
		for i := range results {
			s := switchCost(b, switchcost.Options{CPUs: []int{0}})
			var beside *trace.Session
			if i == 1 {
				beside = session(b, trace.Options{Probes: []string{"syscall", "tlb"}})
			}
			for _, program := range []string{"threadPing", "ping"} {
				h := start(b, program, fmt.Sprint(rounds))
				if beside != nil {
					if err := beside.Follow(h.pid()); err != nil {
						b.Fatal(err)
					}
				}
				c := costs(b, s, func() { h.do(b, "") })
				if program == "threadPing" {
					results[i].thread.Merge(&c.Kinds[event.SwitchThread])
				} else {
					results[i].addressSpace.Merge(c.AddressSpace())
				}
				results[i].lazy.Merge(c.Lazy())
				results[i].idle.Merge(c.Idle())
				probe = c.Probe
				h.end()
			}
			s.Close()
			if beside != nil {
				beside.Close()
			}
		}
	}
	for i, name := range []string{"", "+session"} {
		r := &results[i]
		for _, k := range []struct {
			name string
			t    *event.SwitchTimes
		}{{"thread", &r.thread}, {"address_space", &r.addressSpace}, {"lazy", &r.lazy},
			{"idle", &r.idle}} {
			b.ReportMetric(float64(k.t.Choosing.Quantile(.5)), k.name+name+"-choosing-ns")
			b.ReportMetric(float64(k.t.Switching.Quantile(.5)), k.name+name+"-switching-ns")
			b.ReportMetric(float64(k.t.Total.Quantile(.5)), k.name+name+"-total-ns")
			b.Logf("%s%s, total: %v", k.name, name, &k.t.Total)
		}
	}
	b.ReportMetric(float64(probe.Median), "probe-ns")
	b.ReportMetric(0, "ns/op")
}
