package trace

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// BenchmarkRemember measures what it takes to keep something of each new task, from its making to
// its end, in one of three ways: not at all, with the same programs but for that; in the kernel's
// task storage; in a map made in advance, as bpf/traced.h does it. An operation is a thread that
// ends at once.
//
//	sudo go test -run '^$' -bench Remember -count 9 ./trace
func BenchmarkRemember(b *testing.B) {
	u32, u64 := &btf.Int{Name: "u32", Size: 4}, &btf.Int{Name: "u64", Size: 8}
	storage := &ebpf.MapSpec{Type: ebpf.TaskStorage, Flags: unix.BPF_F_NO_PREALLOC, KeySize: 4,
		ValueSize: 8, Key: u32, Value: u64}
	hash := &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: leastRoom}
	for _, c := range []struct {
		name      string
		spec      *ebpf.MapSpec
		make, end asm.Instructions // R6 is the task; the map is in R1
	}{
		{name: "nothing", spec: hash},
		{"storage", storage,
			asm.Instructions{asm.Mov.Reg(asm.R2, asm.R6), asm.Mov.Imm(asm.R3, 0),
				asm.Mov.Imm(asm.R4, 1), asm.FnTaskStorageGet.Call()}, nil},
		{"hash", hash,
			asm.Instructions{
				asm.StoreMem(asm.RFP, -8, asm.R6, asm.DWord), asm.Mov.Reg(asm.R2, asm.RFP),
				asm.Add.Imm(asm.R2, -8),
				asm.Mov.Reg(asm.R3, asm.R2), asm.Mov.Imm(asm.R4, 0), asm.FnMapUpdateElem.Call()},
			asm.Instructions{
				asm.StoreMem(asm.RFP, -8, asm.R6, asm.DWord), asm.Mov.Reg(asm.R2, asm.RFP),
				asm.Add.Imm(asm.R2, -8),
				asm.FnMapDeleteElem.Call()}},
	} {
		b.Run(c.name, func(b *testing.B) {
			m, err := ebpf.NewMap(c.spec)
			if err != nil {
				b.Skip(err)
			}
			defer m.Close()
			for tracepoint, body := range map[string]asm.Instructions{"task_newtask": c.make,
				"sched_process_free": c.end} {
				ins := asm.Instructions{asm.LoadMem(asm.R6, asm.R1, 0, asm.DWord),
					asm.LoadMapPtr(asm.R1, m.FD())}
				ins = append(append(ins, body...), asm.Mov.Imm(asm.R0, 0), asm.Return())
				p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
					Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: tracepoint,
					License: "GPL", Instructions: ins,
				})
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				l, err := link.AttachTracing(link.TracingOptions{Program: p})
				if err != nil {
					b.Fatal(err)
				}
				defer l.Close()
			}
			for b.Loop() {
				<-sys.Thread("sy-bench", func() {})
			}
		})
	}
}
