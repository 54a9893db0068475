package trace

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// abilities are what this kernel's programs can do and those of older kernels cannot. For each there is a second way.
type abilities struct {
	// current is the helper that lets a program read the task that runs (5.11). Without it, it is read through another, and
	// maps count against RLIMIT_MEMLOCK.
	current bool
	// atomics are the atomic instructions that return something (5.12). Without them there are objects of their own.
	atomics bool
	// loop is the helper bpf_loop (5.17). Without it, there is another object for the walk.
	loop bool
	// ptRegs is the helper that finds what a task entered the kernel with (5.15). Without it, it is found by its place.
	ptRegs bool
}

// ask finds out by having the kernel check programs that need no more than the ability. The error is the kernel's refusal to
// be asked, for want of a privilege, or says that it has no BTF, without which there is nothing to ask about.
func ask() (a abilities, err error) {
	if _, err := kernelTypes(); err != nil {
		return a, err
	}
	fetch := asm.FetchAdd.Mem(asm.RFP, asm.R0, asm.DWord, -8)
	fetch.Constant = 1 // BPF_FETCH: in cilium/ebpf 0.22.0 an instruction not read from a file loses it
	atomic := &ebpf.ProgramSpec{
		Type:    ebpf.SocketFilter,
		License: "GPL",
		Instructions: asm.Instructions{
			asm.Mov.Imm(asm.R0, 0),
			asm.StoreMem(asm.RFP, -8, asm.R0, asm.DWord),
			fetch,
			asm.Mov.Imm(asm.R0, 0),
			asm.Return(),
		},
	}
	for ability, spec := range map[*bool]*ebpf.ProgramSpec{
		&a.current: helperProbe(asm.FnGetCurrentTaskBtf),
		&a.atomics: atomic,
		&a.loop:    helperProbe(asm.FnLoop),
		&a.ptRegs:  helperProbe(asm.FnTaskPtRegs),
	} {
		if *ability, err = allows(spec); err != nil {
			return a, err
		}
	}
	return a, nil
}

// without returns the abilities that are not in the other set.
func (a abilities) without(b abilities) abilities {
	return abilities{a.current && !b.current, a.atomics && !b.atomics, a.loop && !b.loop, a.ptRegs && !b.ptRegs}
}

// helperProbe is a program on a tracepoint that calls a helper without arguments.
func helperProbe(f asm.BuiltinFunc) *ebpf.ProgramSpec {
	return &ebpf.ProgramSpec{
		Type:         ebpf.Tracing,
		AttachType:   ebpf.AttachTraceRawTp,
		AttachTo:     "sched_switch",
		License:      "GPL",
		Instructions: asm.Instructions{f.Call(), asm.Mov.Imm(asm.R0, 0), asm.Return()},
	}
}

// allows reports whether the kernel knows what the program does. Of an instruction or a helper it does not know, or does not
// have for such programs, it says EINVAL; of arguments that are wrong, EACCES. The error wraps os.ErrPermission.
func allows(spec *ebpf.ProgramSpec) (bool, error) {
	p, err := ebpf.NewProgramWithOptions(spec, ebpf.ProgramOptions{LogDisabled: true})
	if err == nil {
		p.Close()
	}
	if errors.Is(err, unix.EPERM) {
		return false, err
	}
	return !errors.Is(err, unix.EINVAL), nil
}

// fit turns an object into what this kernel can load: the knobs are those of knobs, the maps hold that many tasks.
func fit(spec *ebpf.CollectionSpec, knobs map[string]any, tasks int) error {
	for name, value := range knobs {
		if v := spec.Variables[name]; v != nil {
			if err := v.Set(value); err != nil {
				return fmt.Errorf("knob %s: %w", name, err)
			}
		}
	}
	for _, name := range []string{bpfMapRows, schedPlainMapRowQueue, bpfMapLatencies} {
		if m := spec.Maps[name]; m != nil {
			m.MaxEntries = knobs["max_rows"].(uint32)
		}
	}
	for _, name := range []string{bpfMapTraced, bpfMapTasks, bpfMapFreeSlots, schedPlainMapTickets} {
		if m := spec.Maps[name]; m != nil {
			m.MaxEntries = uint32(tasks)
		}
	}
	return nil
}

// memlock returns the limit on memory that bounds what BPF takes, where it does: before 5.11. It is asked after a refusal for
// which no capability is to blame.
func memlock() (limit uint64, bounds bool) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(unix.RLIMIT_MEMLOCK, &r); err != nil || r.Cur == unix.RLIM_INFINITY {
		return 0, false
	}
	a, err := ask()
	return r.Cur, err != nil || !a.current
}

// raiseMemlock removes that limit, as far as this process may (CAP_SYS_RESOURCE; else up to the hard limit). Whether that is
// enough the kernel says when maps are made.
func (a abilities) raiseMemlock() {
	if a.current {
		return
	}
	unlimited := syscall.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if syscall.Setrlimit(unix.RLIMIT_MEMLOCK, &unlimited) == nil {
		return
	}
	var r syscall.Rlimit
	if syscall.Getrlimit(unix.RLIMIT_MEMLOCK, &r) == nil {
		r.Cur = r.Max
		syscall.Setrlimit(unix.RLIMIT_MEMLOCK, &r)
	}
}
