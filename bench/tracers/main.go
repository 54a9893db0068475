// Command tracers measures what tracers of the scheduler add to a switch: Switchyard's depths
// beside perf sched record, libbpf-tools' runqlat and offcputime, and the same histogram in
// bpftrace.
//
// The workloads are those of perf bench sched, pinned: pipe is two processes that pass a byte back
// and forth on one CPU, so that each operation is two switches and two wakings; messaging is groups
// of senders and receivers on all CPUs. Two more are this program's own, pinned as well: threads
// makes one thread after another, each of which ends at once, and calls makes one cheap system call
// after another. In every round each tracer traces one run of the workload, and one run has none;
// which comes first changes every time. What a run takes more CPU time than the one without beside
// it, for each of its switches, threads or calls, is one observation; printed is their median with
// its interval. It is the workload's own CPU time (getrusage), in which probes run: that of a
// reader beside it is not in it, and other tasks on the machine disturb it less than they do the
// clock on the wall. A tool that is not there has its row, and says so.
//
//	apt install linux-perf libbpf-tools bpftrace && make build && sudo go run ./bench/tracers
//
// With -before and the program of an earlier version that one traces too, and what the two differ
// by is measured in the same rounds. With -programs the kernel keeps an account of the time in each
// BPF program (bpf_stats), and the mean time of a run is printed: it tells apart what is lost in
// all else that happens. The accounts themselves cost each run some 20 ns, which the other columns
// then hold. What somebody else loads meanwhile is in it, if it has the same name.
//
//	sudo go run ./bench/tracers -workload pipe -before /tmp/earlier/switchyard -programs
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
)

var (
	binary   = flag.String("binary", "bin/switchyard", "the program under test")
	before   = flag.String("before", "", "the program of an earlier version, measured beside")
	rounds   = flag.Int("rounds", 11, "rounds")
	loops    = flag.Int("loops", 50_000, "operations of a run of pipe; two switches each")
	groups   = flag.Int("groups", 2, "groups of a run of messaging, 40 tasks each")
	made     = flag.Int("threads", 20_000, "threads of a run of threads")
	called   = flag.Int("calls", 1_000_000, "system calls of a run of calls")
	which    = flag.String("tracers", "", "only those whose names match this regular expression")
	only     = flag.String("workload", "", "pipe, messaging, threads or calls (default: all)")
	programs = flag.Bool("programs", false, "also the time in each BPF program")
)

func main() {
	if len(os.Args) > 3 && os.Args[1] == inner {
		if err := work(os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, "tracers:", err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "tracers:", err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "tracers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if *programs {
		accounts, err := ebpf.EnableStats(0)
		if err != nil {
			return fmt.Errorf("-programs: %w", err)
		}
		defer accounts.Close()
	}
	for _, w := range workloads(self) {
		if *only == "" || *only == w.name {
			if err := compare(dir, self, w); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
		}
	}
	return nil
}
