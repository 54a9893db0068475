package bpf

import (
	"errors"
	"slices"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// Abilities are what this kernel's programs can do and those of older kernels cannot. For each
// there is a second way.
type Abilities struct {
	// Current is the helper that lets a program read the task that runs (5.11). Without it, it is
	// read through another, and maps count against RLIMIT_MEMLOCK.
	Current bool
	// Atomics are the atomic instructions that return something (5.12). Without them there are
	// objects of their own.
	Atomics bool
	// Loop is the helper bpf_loop (5.17). Without it, there is another object for the walk.
	Loop bool
	// PtRegs is the helper that finds what a task entered the kernel with (5.15). Without it, it is
	// found by its place.
	PtRegs bool
}

// Ask finds out by having the kernel check programs that need no more than the ability. The error
// is the kernel's refusal to be asked, for want of a privilege, or says that it has no BTF, without
// which there is nothing to ask about.
func Ask() (a Abilities, err error) {
	if _, err := KernelTypes(); err != nil {
		return a, err
	}
	fetch := asm.FetchAdd.Mem(asm.RFP, asm.R0, asm.DWord, -8)
	// BPF_FETCH: in cilium/ebpf 0.22.0 an instruction not read from a file loses it
	fetch.Constant = 1
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
		&a.Current: helperProbe(asm.FnGetCurrentTaskBtf),
		&a.Atomics: atomic,
		&a.Loop:    helperProbe(asm.FnLoop),
		&a.PtRegs:  helperProbe(asm.FnTaskPtRegs),
	} {
		if *ability, err = allows(spec); err != nil {
			return a, err
		}
	}
	return a, nil
}

// Without returns the abilities that are not in the other set.
func (a Abilities) Without(b Abilities) Abilities {
	return Abilities{a.Current && !b.Current, a.Atomics && !b.Atomics, a.Loop && !b.Loop,
		a.PtRegs && !b.PtRegs}
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

// allows reports whether the kernel knows what the program does. Of an instruction or a helper it
// does not know, or does not have for such programs, it says EINVAL; of arguments that are wrong,
// EACCES. The error wraps os.ErrPermission.
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

// memlock returns the limit on memory that bounds what BPF takes, where it does: before 5.11, whose
// kernels do not have the helper of Current. They are not asked for it, but looked at: a kernel
// that refuses to answer tells nothing.
func memlock() (limit uint64, bounds bool) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(unix.RLIMIT_MEMLOCK, &r); err != nil ||
		r.Cur == unix.RLIM_INFINITY {
		return 0, false
	}
	types, err := KernelTypes()
	if err != nil {
		return 0, false
	}
	var helpers *btf.Enum
	if err := types.TypeByName("bpf_func_id", &helpers); err != nil {
		return 0, false
	}
	return r.Cur, !slices.ContainsFunc(helpers.Values, func(v btf.EnumValue) bool {
		return v.Name == "BPF_FUNC_get_current_task_btf"
	})
}

// RaiseMemlock removes the limit on memory (RLIMIT_MEMLOCK) where it bounds what BPF takes, as far
// as this process may (CAP_SYS_RESOURCE; else up to the hard limit). Whether that is enough the
// kernel says when maps are made.
func (a Abilities) RaiseMemlock() {
	if a.Current {
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
