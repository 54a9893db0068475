// Package capture opens one window on processes, on a command or on the whole machine, in either
// depth, puts a load on a server meanwhile if it is asked to, and says what there was to see.
//
// [Count] keeps sums in the kernel, [Record] every event, which then are a run directory. Both
// attach probes, and need the privileges of [trace.Open].
package capture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/command"
	"switchyard/internal/proc"
	"switchyard/internal/report"
)

// Options say what to capture. They are taken as they are: whoever makes them checks them.
type Options struct {
	// What is followed is one of these: processes, of a thread its process; every task; a command
	// and its arguments, which is started.
	PIDs    []int
	All     bool
	Command []string

	Duration   time.Duration // 0 is until the processes end, the command or the load
	Probes     []string      // of the depth, those that are asked for (trace.Optional)
	SwitchCost bool          // measure what switches cost, of all tasks
	// Calibrate is in how many rounds it is measured afterwards what an event costs; 0: it is not.
	Calibrate int
	Load      []string // the arguments of switchyard load; none is no load

	// Asked is done when the window is to end, Hurried when whatever is no part of the result is to
	// be left out.
	Asked, Hurried context.Context
	// Continued is how often this process was told to go on (SIGCONT) before it was asked to end.
	Continued func() uint64
	// Closed is told that the window is closed: from now on one can only ask for haste. The note is
	// for whoever does.
	Closed func(note string)
	// DropPrivilege gives up the capabilities that are not needed once the probes are attached, but
	// for those to keep.
	DropPrivilege func(keep ...int) error
}

// A Result is what a window showed.
type Result struct {
	Trace  *report.Trace
	Status int   // what the command ended with, as shells have it; 0 of none
	Failed error // why there was no load, although it was asked for
}

// errInterrupted is the end before the window was open.
var errInterrupted = errors.New("interrupted before the window was open: nothing was captured")

// findProcesses replaces threads that were named by their processes, which are what is followed,
// and returns a sentence for each. Whom it does not find, nobody does: that is said later.
func (o *Options) findProcesses() (notes []string) {
	var pids []int
	for _, tid := range o.PIDs {
		pid, name, err := proc.Leader(tid)
		if err != nil {
			pid = tid
		} else if pid != tid {
			notes = append(notes,
				fmt.Sprintf("%d is a thread (%s) of process %d: the whole process was followed.",
					tid, name, pid))
		}
		if !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	o.PIDs = pids
	return notes
}

// of says what is traced, in words.
func (o *Options) of() string {
	switch {
	case o.All:
		return "every task"
	case len(o.Command) > 0:
		return strings.Join(o.Command, " ")
	case len(o.PIDs) == 1:
		return fmt.Sprintf("process %d", o.PIDs[0])
	}
	return "processes " + strings.Trim(strings.ReplaceAll(fmt.Sprint(o.PIDs), " ", ", "), "[]")
}

// privileges are the capabilities that the end of the window needs: processes of a command that
// became another user's are signalled too.
func (o *Options) privileges() []int {
	if len(o.Command) == 0 {
		return nil
	}
	return []int{unix.CAP_KILL}
}

// start starts the command, if there is one, and has it wait before its first instruction.
func (o *Options) start() (*command.Command, error) {
	if len(o.Command) == 0 {
		return nil, nil
	}
	return command.Start(o.Command)
}

// followAll tells a trace.Session, or a trace.Recorder, whom to follow. The command's process
// exists, and waits.
func (o *Options) followAll(f interface{ Follow(pid int) error }, traced *command.Command) error {
	pids := o.PIDs
	if traced != nil {
		pids = []int{traced.PID()}
	}
	for _, pid := range pids {
		if err := f.Follow(pid); err != nil {
			return err
		}
	}
	return nil
}

// warning is an error that the user should know of and can live with, as a sentence.
func warning(err error) string {
	text := report.Words(err)
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
