package trace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
	"switchyard/trace/event"
)

const (
	calibrateExchanges = 400   // two switches and two wakings each
	calibrateCalls     = 20000 // of getppid
)

// Calibrate measures what the probes of both depths cost, on one CPU, in so many rounds; each takes
// some 20 ms for each of the names, which are all unless some are given. The workload is a byte
// passed back and forth between this process and a child over pipes: a write, a waking, a switch
// and a read, again and again.
//
// It needs the privileges of Open, and attaches probes of its own for as long as it takes. It ends
// within a round once ctx is done, and the error wraps that of ctx.
func Calibrate(ctx context.Context, rounds int, names ...string) (prices []event.Price,
	err error) {
	type set struct {
		name   string
		doc    string
		opts   *Options // nil: a Recorder
		follow bool
		call   bool
	}
	sets := []set{
		{event.PriceCount, "count depth, a traced task", &Options{}, true, false},
		{event.PriceCountOthers, "count depth, other tasks", &Options{}, false, false},
		{event.PriceTLB, "TLB flushes, on top of it", &Options{Probes: []string{"tlb"}}, true,
			false},
		{event.PriceSyscall, "system calls by name, any task",
			&Options{Probes: []string{"syscall"}}, true, true},
		{event.PriceRecord, "record depth, a traced task", nil, true, false},
	}
	if len(names) > 0 {
		if slices.Contains(names, event.PriceTLB) {
			// What flushes cost is what they add to the rest.
			names = append(names, event.PriceCount)
		}
		sets = slices.DeleteFunc(sets, func(s set) bool { return !slices.Contains(names, s.name) })
	}
	done := sys.Thread("sy-calibrate", func() {
		var w calibration
		// First the child: it must not inherit the descriptors that keep probes in the kernel.
		if err = w.start(); err != nil {
			return
		}
		defer func() { err = errors.Join(err, w.stop()) }()
		var probes []*attached
		defer func() {
			for _, a := range probes {
				err = errors.Join(err, a.close())
			}
		}()
		for _, s := range sets {
			if err = ctx.Err(); err != nil {
				return
			}
			var a *attached
			if a, err = attachFor(s.opts, s.follow); err != nil {
				return
			}
			probes = append(probes, a)
			c := event.Price{Name: s.name, Doc: s.doc, Unit: "a switch with its waking"}
			if s.call {
				c.Unit = "a system call"
			}
			prices = append(prices, c)
		}
		for range rounds {
			for i, s := range sets {
				if err = ctx.Err(); err != nil {
					return
				}
				run := w.switches
				if s.call {
					run = w.calls
				}
				without := run()
				if err = probes[i].objs().resume(); err != nil {
					return
				}
				run() // the programs and their maps come into the caches
				with := run()
				probes[i].units += 2 * 2 * calibrateExchanges
				if s.call {
					probes[i].units += 2*calibrateCalls - 2*2*calibrateExchanges
				}
				if err = probes[i].objs().pause(); err != nil {
					return
				}
				after := run()
				without = (without + after) / 2
				prices[i].Without = append(prices[i].Without, without)
				prices[i].Added = append(prices[i].Added, with-without)
			}
		}
		for i := range sets {
			if prices[i].Events, err = probes[i].perUnit(); err != nil {
				return
			}
		}
		if i := slices.IndexFunc(prices, func(c event.Price) bool {
			return c.Name == event.PriceTLB
		}); i >= 0 {
			for j, count := range prices[0].Added {
				prices[i].Added[j] -= count
			}
			prices[i].Unit = "a switch to another address space"
		}
	})
	<-done
	if err != nil {
		return nil, fmt.Errorf("trace: calibrate: %w", err)
	}
	return prices, nil
}

// attached is a set of probes that is switched on and off.
type attached struct {
	session  *Session
	recorder *Recorder
	spool    *os.File
	units    float64 // of the workload, with probes on
}

func attachFor(opts *Options, follow bool) (_ *attached, err error) {
	a := new(attached)
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if opts != nil {
		if a.session, err = Open(*opts); err != nil {
			return nil, err
		}
		if follow {
			if err := a.session.Follow(os.Getpid()); err != nil {
				return nil, err
			}
		}
		if err := a.session.Start(); err != nil {
			return nil, err
		}
	} else {
		if a.recorder, err = OpenRecorder(RecordOptions{Buffer: 1 << 20}); err != nil {
			return nil, err
		}
		if err := a.recorder.Follow(os.Getpid()); err != nil {
			return nil, err
		}
		// The file is unlinked as soon as it is open: what is in it is of no use.
		if a.spool, err = os.CreateTemp("", "switchyard-"); err != nil {
			return nil, err
		}
		if err := os.Remove(a.spool.Name()); err != nil {
			return nil, err
		}
		if err := a.recorder.Start(a.spool); err != nil {
			return nil, err
		}
	}
	return a, a.objs().pause()
}

func (a *attached) objs() *objects {
	if a.session != nil {
		return &a.session.objs
	}
	return &a.recorder.objs
}

// perUnit returns how many events a unit of the workload has had.
func (a *attached) perUnit() (float64, error) {
	if a.session != nil {
		c, err := a.session.Stop()
		if err != nil {
			return 0, err
		}
		events := c.Total.Switches.Total() + c.Total.Wakeups + c.Values.Count("syscalls")
		return float64(events) / a.units, nil
	}
	var cpus []recordRing
	if err := a.recorder.objs.base.Maps["ring_cpus"].Lookup(uint32(0), &cpus); err != nil {
		return 0, err
	}
	var n uint64
	for _, c := range cpus {
		n += c.Events + c.Lost
	}
	return float64(n) / a.units, nil
}

func (a *attached) close() error {
	var errs []error
	if a.session != nil {
		errs = append(errs, a.session.Close())
	}
	if a.recorder != nil {
		errs = append(errs, a.recorder.Close())
	}
	if a.spool != nil {
		errs = append(errs, a.spool.Close())
	}
	return errors.Join(errs...)
}

// A calibration is the workload: the calling thread, on one CPU, and a child that sends every byte
// back.
type calibration struct {
	old      unix.CPUSet
	to, from int
	child    int
}

func (w *calibration) start() error {
	runtime.LockOSThread() // it is: for the reader
	if err := unix.SchedGetaffinity(0, &w.old); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	var one unix.CPUSet
	for cpu := range len(w.old) * 64 {
		if w.old.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return os.NewSyscallError("sched_setaffinity", err)
	}
	var there, back [2]int
	if err := unix.Pipe2(there[:], unix.O_CLOEXEC); err != nil {
		return os.NewSyscallError("pipe2", err)
	}
	if err := unix.Pipe2(back[:], unix.O_CLOEXEC); err != nil {
		return errors.Join(os.NewSyscallError("pipe2", err), unix.Close(there[0]),
			unix.Close(there[1]))
	}
	pid, errno := echoChild(there[0], back[1], there[1], back[0])
	unix.Close(there[0])
	unix.Close(back[1])
	w.to, w.from, w.child = there[1], back[0], pid
	if errno != 0 {
		unix.Close(w.to)
		unix.Close(w.from)
		return os.NewSyscallError("fork", errno)
	}
	w.switches() // warm
	return nil
}

func (w *calibration) stop() error {
	unix.Close(w.to) // the child reads its end
	unix.Close(w.from)
	for {
		if _, err := unix.Wait4(w.child, nil, 0, nil); err != unix.EINTR {
			break
		}
	}
	return os.NewSyscallError("sched_setaffinity", unix.SchedSetaffinity(0, &w.old))
}

// switches returns how much CPU time a switch with its waking takes, ns. CPU time and not the clock
// on the wall: others may want the CPU too.
func (w *calibration) switches() float64 {
	start := w.used()
	exchange(w.to, w.from, calibrateExchanges)
	return float64(w.used()-start) / (2 * calibrateExchanges)
}

// calls returns how much a system call takes, ns.
func (w *calibration) calls() float64 {
	start := w.used()
	getppids(calibrateCalls)
	return float64(w.used()-start) / calibrateCalls
}

// used returns the CPU time of the thread and its child.
func (w *calibration) used() time.Duration {
	// A process's clock is its number, inverted, and the kind of clock: CPUCLOCK_SCHED,
	// sum_exec_runtime (include/linux/posix-timers.h).
	var t unix.Timespec
	if unix.ClockGettime(int32(^w.child<<3|2), &t) != nil {
		return threadCPU()
	}
	return threadCPU() + time.Duration(t.Nano())
}

// echoChild forks a child that sends back each byte until its input ends. It closes the ends that
// are the parent's, so that this can happen.
//
//go:nosplit
func echoChild(from, to, other1, other2 int) (int, syscall.Errno) {
	pid, errno := sys.Fork()
	if pid != 0 || errno != 0 {
		return pid, errno
	}
	sys.RawClose(other1)
	sys.RawClose(other2)
	var b [1]byte
	for {
		n, errno := sys.RawRead(from, b[:])
		if errno == syscall.EINTR {
			continue
		}
		if n != 1 || errno != 0 {
			break
		}
		if n, _ := sys.RawWrite(to, b[:]); n != 1 {
			break
		}
	}
	sys.RawExit(0)
	return 0, 0
}

// exchange passes a byte to the child and back. The Go scheduler cannot come in between.
//
//go:nosplit
func exchange(to, from, rounds int) {
	var b [1]byte
	for range rounds {
		if n, _ := sys.RawWrite(to, b[:]); n != 1 {
			return
		}
		for {
			n, errno := sys.RawRead(from, b[:])
			if errno == syscall.EINTR {
				continue
			}
			if n != 1 {
				return
			}
			break
		}
	}
}

//go:nosplit
func getppids(n int) {
	for range n {
		syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
	}
}
