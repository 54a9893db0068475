package trace_test

import (
	"testing"

	"github.com/cilium/ebpf"

	"switchyard/trace"
)

// TestMemory: what a session takes in the kernel is at least what it is known to keep there.
func TestMemory(t *testing.T) {
	s := session(t, trace.Options{})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := s.Stop()
	if err != nil {
		t.Fatal(err)
	}
	const tasks, each = 1 << 14, 576 // for the slots of as many tasks as there is always room for
	if c.Cost.Memory < tasks*each {
		t.Errorf("%d bytes, want %d or more", c.Cost.Memory, tasks*each)
	}

	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		t.Fatal(err)
	}
	const buffer = 1 << 20
	r, err := trace.OpenRecorder(trace.RecordOptions{Buffer: buffer})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Start(spoolFile(t)); err != nil {
		t.Fatal(err)
	}
	cost, err := r.Stop()
	if err != nil {
		t.Fatal(err)
	}
	if want := uint64(min(cpus, 64) * buffer); cost.Memory < want || cost.Memory > want+64<<20 {
		t.Errorf("%d bytes, want %d and a little more", cost.Memory, want)
	}
}
