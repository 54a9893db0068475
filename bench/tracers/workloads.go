package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cilium/ebpf"

	"switchyard/internal/sys"
)

// A workload is a command, and what its output says of one run.
type workload struct {
	name  string
	args  []string
	pin   string
	unit  string
	units func(before, after uint64) float64 // from ctxt
	// syscalls is set when the tracers that can are to trace those, and the others left out.
	syscalls bool
}

func workloads(self string) []workload {
	return []workload{
		{name: "pipe", args: []string{"perf", "bench", "-f", "simple", "sched", "pipe", "-l",
			strconv.Itoa(*loops)}, pin: "0",
			unit: "switch", units: func(_, _ uint64) float64 { return 2 * float64(*loops) }},
		{name: "messaging", args: []string{"perf", "bench", "-f", "simple", "sched", "messaging",
			"-p", "-l", "1000", "-g", strconv.Itoa(*groups)},
			unit: "switch", units: func(before, after uint64) float64 {
				return float64(after - before)
			}},
		{name: "threads", args: []string{self, inner, "0", makeThreads, strconv.Itoa(*made)}, pin: "0",
			unit: "thread", units: func(_, _ uint64) float64 { return float64(*made) }},
		{name: "calls", args: []string{self, inner, "0", makeCalls, strconv.Itoa(*called)}, pin: "0",
			unit: "system call", units: func(_, _ uint64) float64 { return float64(*called) },
			syscalls: true},
	}
}

// inner is how a workload is started: by this program, which tells what it took. The number of the
// last BPF program that was there before the tracer follows, and the command.
const inner = "-inner"

// The workloads that are this program's own.
const (
	makeThreads = "threads"
	makeCalls   = "calls"
)

// work runs a command, or a workload of this program's own, and writes what it took on standard
// error: the CPU time of a command and its descendants, and the accounts of the tracer's programs.
func work(last string, args []string) error {
	if args[0] == makeThreads || args[0] == makeCalls {
		n, err := strconv.Atoi(args[1])
		for range n {
			if args[0] == makeThreads {
				<-sys.Thread("sy-short", func() {})
			} else {
				syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
			}
		}
		return err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s%.6f\n", took,
		(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	id, err := strconv.ParseUint(last, 10, 32)
	if err != nil {
		return err
	}
	for name, p := range accounts(ebpf.ProgramID(id)) {
		fmt.Fprintf(os.Stderr, "%s%s %d %d\n", ran, name, p.runs, p.time)
	}
	return nil
}

// What work writes begins with.
const (
	took = "CPU time "
	ran  = "BPF program "
)

// An account is of the runs of a BPF program, and what they took together.
type account struct {
	runs uint64
	time time.Duration
}

// accounts are those of all BPF programs that were loaded after the one of that number, as kept so
// far. Those of one name are one.
func accounts(id ebpf.ProgramID) map[string]account {
	all := map[string]account{}
	for {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil { // there is no other, or it takes a privilege
			return all
		}
		id = next
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // it is gone
		}
		info, err := p.Info()
		stats, err2 := p.Stats()
		p.Close()
		if err == nil && err2 == nil && stats.RunCount > 0 {
			a := all[info.Name]
			all[info.Name] = account{a.runs + stats.RunCount, a.time + stats.Runtime}
		}
	}
}

// lastProgram is the number of the BPF program that was loaded last, 0 if there is none.
func lastProgram() (id ebpf.ProgramID) {
	for {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil {
			return id
		}
		id = next
	}
}

// outcome reads what work wrote: seconds, and accounts.
func outcome(out []byte) (seconds float64, programs map[string]account, err error) {
	programs = map[string]account{}
	found := false
	for line := range strings.Lines(string(out)) {
		if s, ok := strings.CutPrefix(line, took); ok {
			found = true
			if seconds, err = strconv.ParseFloat(strings.TrimSpace(s), 64); err != nil {
				return 0, nil, err
			}
		}
		if s, ok := strings.CutPrefix(line, ran); ok {
			var name string
			var a account
			if _, err := fmt.Sscan(s, &name, &a.runs, (*int64)(&a.time)); err != nil {
				return 0, nil, err
			}
			programs[name] = a
		}
	}
	if !found {
		return 0, nil, fmt.Errorf("the workload did not say what it took: %q", out)
	}
	return seconds, programs, nil
}
