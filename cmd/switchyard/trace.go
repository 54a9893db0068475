package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"switchyard/internal/command"
	"switchyard/internal/proc"
	"switchyard/internal/report"
	"switchyard/trace"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// traceOptions are what `trace` was asked to do.
type traceOptions struct {
	pids       []int
	all        bool
	command    []string
	record     bool
	probes     []string // of the depth, those that are asked for
	duration   time.Duration
	out        string
	buffer     int
	format     string
	calibrate  bool
	switchCost bool
	load       []string

	notes []string // for whoever reads the result
}

func newTraceCommand(env Env) *cobra.Command {
	var o traceOptions
	var count bool
	cmd := &cobra.Command{
		Use:   "trace (-p PID[,PID] | --all | -- CMD [ARG…])",
		Short: "trace any process: what the scheduler does to it",
		Long: `trace follows processes and all their descendants, or every task on the machine, in
the kernel, and tells of each task how long it ran, waited for a CPU and slept, how it
was switched and woken, and whether that agrees with the kernel's own books.

With --count, sums and distributions are kept in the kernel and nothing is streamed:
cheap, for any length of time. With --record every event is kept: who took the CPU from
whom, who woke whom, run-queue lengths; --out keeps the recording as a directory of
Parquet tables, which "switchyard report" reads again without root. A recording that was
cut off, by kill -9 even, is completed by "switchyard recover".

With --load it puts load on a server meanwhile, as "switchyard load" does, whose arguments
it is given: the result says what the clients saw, too, and --out keeps it.

It ends after --duration, with the command, with the last of the processes, with the load,
or when interrupted. The exit code is the command's, 128 and the number of the signal
that killed it, if the trace is good (127: there is no such command, 126: it cannot be
run); when the window ends first the command is ended, with what it started, and the
exit code is 0. It needs root, or CAP_BPF and CAP_PERFMON.`,
		Example: `sudo switchyard trace --count -p 1234 --duration 10s
sudo switchyard trace --record --out run -- make -j8
sudo switchyard trace --record --all --duration 5s --format json
sudo switchyard trace --record --out run -p 1234 --load http://127.0.0.1:8080/
sudo switchyard trace --count --syscalls -- curl -s http://127.0.0.1:8080/`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string,
			cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	pids := f.StringSliceP("pid", "p", nil,
		"`PIDs` of processes to follow, with their descendants; of a thread, its process")
	f.BoolVar(&o.all, "all", false, "every task on the machine")
	f.BoolVar(&count, "count", false, "keep sums in the kernel (the default)")
	f.BoolVar(&o.record, "record", false, "keep every event")
	probes := addProbeFlags(f)
	f.DurationVar(&o.duration, "duration", 0,
		"how long; 0 is until the processes end, or an interrupt")
	f.StringVar(&o.out, "out", "", "`directory` to keep the recording in; it is made")
	loadArgs := f.String("load", "",
		"put load on a server meanwhile: the `arguments` of switchyard load, separated by spaces")
	buffer := f.String("buffer", "8MiB", "`size` of each CPU's ring in --record")
	calibrateFlag(cmd, &o.calibrate)
	format := formatsOf(cmd, writesTrace)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.format, o.load = *format, strings.Fields(*loadArgs)
		if cmd.Flags().Changed("load") && len(o.load) == 0 {
			return usagef("--load %q: want a target, such as http://127.0.0.1:8080/", *loadArgs)
		}
		depth := trace.CountDepth
		if o.record {
			depth = trace.RecordDepth
		}
		o.probes = probes.of(depth)
		o.switchCost = len(probes.of(trace.SwitchCostDepth)) > 0
		if err := probes.check(depth, trace.SwitchCostDepth); err != nil {
			return err
		}
		if err := o.complete(cmd, args, *pids, count, *buffer); err != nil {
			return err
		}
		return traceCommand(env, o, quiet(cmd))
	}
	return cmd
}

// complete checks what was asked.
func (o *traceOptions) complete(cmd *cobra.Command, args, pids []string, count bool,
	buffer string) error {
	if at := cmd.ArgsLenAtDash(); at > 0 || at < 0 && len(args) > 0 {
		return usagef("trace: %q: a command to trace comes after --, as in: switchyard trace -- %s",
			args[0], strings.Join(args, " "))
	}
	o.command = args
	ways := 0
	for _, w := range []bool{len(pids) > 0, o.all, len(args) > 0} {
		if w {
			ways++
		}
	}
	switch {
	case ways == 1 && len(args) > 0 && args[0] == "":
		return usagef("trace: the command's name is empty")
	case ways != 1:
		return usagef("trace: what? Want one of -p PID, --all, and -- CMD (switchyard trace --help shows examples)")
	case count && o.record:
		return usagef("trace: --count or --record, not both")
	case o.duration < 0:
		return usagef("--duration %v: want more than 0s, or 0s for until it ends", o.duration)
	case o.duration > longest:
		return usagef("--duration %v: at most %v", o.duration, longest)
	case o.out != "" && !o.record:
		return usagef("--out %q: only a recording is kept: add --record", o.out)
	case cmd.Flags().Changed("buffer") && !o.record:
		return usagef("--buffer %s: only --record has rings", buffer)
	}
	for _, p := range pids {
		n, err := strconv.ParseInt(p, 10, 32)
		if err != nil || n <= 0 {
			return usagef("--pid %q: want the number of a process, such as 1234", p)
		}
		o.pids = append(o.pids, int(n))
	}
	var err error
	if o.buffer, err = parseSize(buffer); err != nil {
		return usagef("--buffer %q: %v", buffer, err)
	}
	if err := checkLoad(o.load); err != nil {
		return err
	}
	if o.out != "" {
		if entries, err := os.ReadDir(o.out); err == nil && len(entries) > 0 {
			return fmt.Errorf("--out %q: the directory is not empty: name another, or remove it",
				o.out)
		}
	}
	return nil
}

// privileges are the capabilities that the end of the window needs: processes of a command that
// became another user's are signalled too.
func (o *traceOptions) privileges() []int {
	if len(o.command) == 0 {
		return nil
	}
	return []int{unix.CAP_KILL}
}

// of says what is traced, in words.
func (o *traceOptions) of() string {
	switch {
	case o.all:
		return "every task"
	case len(o.command) > 0:
		return strings.Join(o.command, " ")
	case len(o.pids) == 1:
		return fmt.Sprintf("process %d", o.pids[0])
	}
	return "processes " + strings.Trim(strings.ReplaceAll(fmt.Sprint(o.pids), " ", ", "), "[]")
}

// parseSize reads a number of bytes, with a unit of powers of 1024.
func parseSize(s string) (int, error) {
	number := strings.TrimRight(s, "KMGiB")
	shift, ok := map[string]int{"": 0, "B": 0, "K": 10, "KB": 10, "KiB": 10, "M": 20, "MB": 20,
		"MiB": 20, "G": 30, "GB": 30, "GiB": 30}[s[len(number):]]
	n, err := strconv.ParseInt(number, 10, 32)
	const least, most = 4096, 512 << 20
	if err != nil || !ok {
		return 0, fmt.Errorf("want a size, such as 8MiB or 512KiB")
	}
	if n <= 0 || n > most || n<<shift > most || n<<shift < least {
		return 0, fmt.Errorf("want 4KiB to 512MiB")
	}
	return int(n) << shift, nil
}

// findProcesses replaces threads that were named by their processes, which are what is followed,
// and has the result say so. Whom it does not find, nobody does: that is said later.
func (o *traceOptions) findProcesses() {
	var pids []int
	for _, tid := range o.pids {
		pid, name, err := proc.Leader(tid)
		if err != nil {
			pid = tid
		} else if pid != tid {
			o.notes = append(o.notes,
				fmt.Sprintf("%d is a thread (%s) of process %d: the whole process was followed.",
					tid, name, pid))
		}
		if !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	o.pids = pids
}

// traceCommand does the work and prints the result.
func traceCommand(env Env, o traceOptions, quiet bool) error {
	var t *report.Trace
	var err error
	end := env.ending()
	defer end.stop()
	o.findProcesses()
	if o.record {
		t, err = traceRecord(env, o, end, quiet)
	} else {
		t, err = traceCount(env, o, end)
	}
	if t == nil {
		return err
	}
	if e := writeTrace(env, t, o.format); e != nil {
		return e
	}
	// What the command ended with counts only if the trace is good.
	var status exitStatus
	if err != nil && !errors.As(err, &status) {
		return err
	}
	if e := failedChecks(t); e != nil {
		return e
	}
	return err
}

func writeTrace(env Env, t *report.Trace, format string) error {
	return writeIn(env, format, func(f report.Format, width int) error {
		return f.Trace(env.Stdout, t, width)
	})
}

func failedChecks(t *report.Trace) error {
	if failed := t.Failed(); len(failed) > 0 {
		return fmt.Errorf("check %s failed: %s", failed[0].Name, failed[0].Reason)
	}
	return nil
}

// A follower is what is told which processes to trace: a trace.Session or a trace.Recorder.
type follower interface{ Follow(pid int) error }

// followAll tells it. The command's process exists, and waits.
func (o *traceOptions) followAll(f follower, child *command.Command) error {
	pids := o.pids
	if child != nil {
		pids = []int{child.PID()}
	}
	for _, pid := range pids {
		if err := f.Follow(pid); err != nil {
			return err
		}
	}
	return nil
}

var _ = []follower{(*trace.Session)(nil), (*trace.Recorder)(nil)}

// onThread runs f on one thread of its own, which dies with it.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
}
