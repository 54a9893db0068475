package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"switchyard/internal/capture"
	"switchyard/internal/report"
	"switchyard/internal/words"
	"switchyard/trace"
)

// traceOptions are what `trace` was asked to do.
type traceOptions struct {
	capture.Options
	capture.Recording // in record depth
	record            bool
	format            string
}

// calibrateRounds is in how many rounds a price is measured: beside a result it must not take long.
const calibrateRounds = 9

func newTraceCommand(env Env) *cobra.Command {
	var o traceOptions
	var count, calibrate bool
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
	f.BoolVar(&o.All, "all", false, "every task on the machine")
	f.BoolVar(&count, "count", false, "keep sums in the kernel (the default)")
	f.BoolVar(&o.record, "record", false, "keep every event")
	probes := addProbeFlags(f)
	f.DurationVar(&o.Duration, "duration", 0,
		"how long; 0 is until the processes end, or an interrupt")
	f.StringVar(&o.Out, "out", "", "`directory` to keep the recording in; it is made")
	loadArgs := f.String("load", "",
		"put load on a server meanwhile: the `arguments` of switchyard load, separated by spaces")
	buffer := f.String("buffer", "8MiB", "`size` of each CPU's ring in --record")
	f.BoolVar(&calibrate, "calibrate", true,
		"measure afterwards what the probes cost here, for about a second")
	format := formatsOf(cmd, writesTrace)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.format, o.Load = *format, strings.Fields(*loadArgs)
		if cmd.Flags().Changed("load") && len(o.Load) == 0 {
			return usagef("--load %q: want a target, such as http://127.0.0.1:8080/", *loadArgs)
		}
		depth := trace.CountDepth
		if o.record {
			depth = trace.RecordDepth
		}
		o.Probes = probes.of(depth)
		o.SwitchCost = len(probes.of(trace.SwitchCostDepth)) > 0
		if err := probes.check(depth, trace.SwitchCostDepth); err != nil {
			return err
		}
		if err := o.complete(cmd, args, *pids, count, *buffer); err != nil {
			return err
		}
		if calibrate {
			o.Calibrate = calibrateRounds
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
	o.Command = args
	ways := 0
	for _, w := range []bool{len(pids) > 0, o.All, len(args) > 0} {
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
	case o.Duration < 0:
		return usagef("--duration %v: want more than 0s, or 0s for until it ends", o.Duration)
	case o.Duration > longest:
		return usagef("--duration %v: at most %v", o.Duration, longest)
	case o.Out != "" && !o.record:
		return usagef("--out %q: only a recording is kept: add --record", o.Out)
	case cmd.Flags().Changed("buffer") && !o.record:
		return usagef("--buffer %s: only --record has rings", buffer)
	}
	for _, p := range pids {
		n, err := strconv.ParseInt(p, 10, 32)
		if err != nil || n <= 0 {
			return usagef("--pid %q: want the number of a process, such as 1234", p)
		}
		o.PIDs = append(o.PIDs, int(n))
	}
	var err error
	if o.Buffer, err = parseSize(buffer); err != nil {
		return usagef("--buffer %q: %v", buffer, err)
	}
	if err := checkLoad(o.Load); err != nil {
		return err
	}
	if o.Out != "" {
		if entries, err := os.ReadDir(o.Out); err == nil && len(entries) > 0 {
			return fmt.Errorf("--out %q: the directory is not empty: name another, or remove it",
				o.Out)
		}
	}
	return nil
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

// traceCommand does the work and prints the result.
func traceCommand(env Env, o traceOptions, quiet bool) error {
	end := env.ending()
	defer end.stop()
	o.Asked, o.Hurried, o.Closed, o.DropPrivilege = end.asked, end.hurried, end.close, dropPrivilege
	o.Continued = end.continued.Load
	var r *capture.Result
	var err error
	if o.record {
		o.Own = own
		r, err = capture.Record(o.Options, o.Recording)
	} else {
		r, err = capture.Count(o.Options)
	}
	if err != nil {
		return err
	}
	if o.Out != "" && !quiet {
		env.say("The recording is in %s; switchyard report %s shows it again",
			filepath.Clean(o.Out), words.Shell(filepath.Clean(o.Out)))
	}
	if err := writeTrace(env, r.Trace, o.format); err != nil {
		return err
	}
	if r.Failed != nil {
		return r.Failed
	}
	// What the command ended with counts only if the trace is good.
	if err := failedChecks(r.Trace); err != nil {
		return err
	}
	return exitStatus(r.Status).err()
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
