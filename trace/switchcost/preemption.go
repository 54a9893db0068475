package switchcost

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"switchyard/internal/bpf"
	"switchyard/internal/sys"
)

// How it is known when a task was told to give up its CPU.
const (
	byRequest = "sched_set_need_resched_tp"
	byWaking  = "need_resched seen at a waking (sched_wakeup)"
)

// schedulerEntry is what __schedule, which no kprobe may be at, calls first.
const schedulerEntry = "rcu_note_context_switch"

// chooseRequests leaves in spec the programs that see requests to give up a CPU: those at the
// request itself, or the next best, or none.
func (s *Meter) chooseRequests(spec *ebpf.CollectionSpec) {
	waking := []string{"cost_waking", "cost_woken", "cost_note", "cost_flag_first",
		"cost_flag_last"}
	drop := func(programs ...string) {
		for _, name := range programs {
			delete(spec.Programs, name)
		}
	}
	_, err := bpf.Hook(byRequest)
	if err == nil {
		err = needReschedSafe()
	}
	if err == nil {
		s.asked = byRequest
		drop(waking...)
		return
	}
	drop("cost_need_resched")
	switch {
	case !bpf.HasMember("cfs_rq", "rq"):
		err = fmt.Errorf("%w; who runs on another CPU cannot be seen at a waking without CONFIG_FAIR_GROUP_SCHED",
			err)
	case !bpf.HasMember("thread_info", "flags"):
		err = fmt.Errorf("%w; struct thread_info has no flags to see at a waking", err)
	default:
		s.asked = byWaking
		if _, err := bpf.Hook("sched_entry_tp"); err == nil {
			drop("cost_note")
		}
		return
	}
	s.missing["preemption"] = err.Error()
	drop(waking...)
}

// needReschedSafe returns nil if a program at sched_set_need_resched_tp cannot bring the kernel
// down. With preemptible RCU it can: on the way out of the program, rcu_read_unlock may ask for the
// scheduler (rcu_read_unlock_special), which runs the program again, before the flag is set that
// would keep it from asking once more; so it goes on until the stack overflows (kernel commit
// adcc3bfa8806; seen on 7.2).
func needReschedSafe() error {
	types, err := bpf.KernelTypes()
	if err != nil {
		return err
	}
	var task *btf.Struct
	if err := types.TypeByName("task_struct", &task); err != nil {
		return fmt.Errorf("task_struct: %w", err)
	}
	for _, m := range bpf.Flatten(task.Members) {
		if m.Name == "rcu_read_lock_nesting" { // with CONFIG_PREEMPT_RCU
			return errors.New(
				"with preemptible RCU, a program on tracepoint sched_set_need_resched_tp can overflow the " +
					"kernel's stack (rcu_read_unlock calls it again): it is not attached")
		}
	}
	return nil
}

// noRequests gives up on requests, for a reason.
func (s *Meter) noRequests(reason error) {
	s.asked = ""
	s.missing["preemption"] = reason.Error()
	s.write(costFlags, make([]byte, 8)) // none is ever seen
}

// learnFlags finds out by which flags of a task the scheduler tells it to go, and begins to look at
// them.
func (s *Meter) learnFlags() {
	if s.asked != byWaking {
		return
	}
	flags, err := s.requestFlags()
	if err != nil {
		for _, name := range []string{"cost_waking", "cost_woken", "cost_note"} {
			if p := s.coll.Programs[name]; p != nil {
				p.Close()
				delete(s.coll.Programs, name)
			}
		}
		s.noRequests(fmt.Errorf("the flag that tells a task to go (need_resched) cannot be told from others: %w",
			err))
		return
	}
	s.write(costFlags, binary.NativeEndian.AppendUint64(nil, flags))
}

const (
	flagRounds  = 40
	flagSamples = 8 // at least
	flagTries   = 3
)

// requestFlags returns the bits of thread_info.flags that tell a task to go. There is one that is
// for other tasks of the same class, which since 6.13 may be the lazy one, and one that is always
// urgent. Both are looked for.
func (s *Meter) requestFlags() (flags uint64, err error) {
	var links []link.Link
	defer func() { err = errors.Join(err, closeLinks(links)) }()
	for _, name := range []string{"cost_flag_first", "cost_flag_last"} {
		l, err := link.AttachTracing(link.TracingOptions{Program: s.coll.Programs[name]})
		if err != nil {
			return 0, err
		}
		links = append(links, l)
	}
	cpu, err := s.calibrationCPU()
	if err != nil {
		return 0, err
	}
	for _, w := range []struct {
		name string
		work func(cpu int) error
	}{
		{"woken tasks", wakeOverIdle},
		{"migrating tasks", migrateSelf},
	} {
		var flag uint64
		for range flagTries {
			var from, to uint32
			if from, err = s.nulls(cpu); err != nil {
				return 0, err
			}
			if err := w.work(cpu); err != nil {
				return 0, fmt.Errorf("%s: %w", w.name, err)
			}
			if to, err = s.nulls(cpu); err != nil {
				return 0, err
			}
			samples, err2 := s.nullTimes(cpu, max(from, to-min(to, uint32(costCostRingCOST_NULLS))),
				to)
			if err2 != nil {
				return 0, err2
			}
			if flag, err = commonFlag(samples); err == nil {
				break
			}
		}
		if err != nil {
			return 0, fmt.Errorf("%s: %w", w.name, err)
		}
		flags |= flag
	}
	return flags, nil
}

// commonFlag returns the one bit that is set in most samples, of which each has those a task lost
// from a waking to its switch. It is an error if there is none, or more than one that is often set.
func commonFlag(samples []time.Duration) (uint64, error) {
	if len(samples) < flagSamples {
		return 0, fmt.Errorf("seen %d times, needed are %d", len(samples), flagSamples)
	}
	var counts [64]int
	for _, s := range samples {
		for v := uint64(s); v != 0; v &= v - 1 {
			counts[bits.TrailingZeros64(v)]++
		}
	}
	var flag uint64
	for bit, n := range counts {
		switch {
		case n*4 >= len(samples)*3 && flag == 0:
			flag = 1 << bit
		case n*4 >= len(samples):
			return 0, fmt.Errorf("bit %d is not alone, in %d of %d", bit, n, len(samples))
		}
	}
	if flag == 0 {
		return 0, fmt.Errorf("no bit is set in most of %d", len(samples))
	}
	return flag, nil
}

// wakeOverIdle makes a thread sleep and be woken on a CPU on which another runs that any may
// preempt (SCHED_IDLE).
func wakeOverIdle(cpu int) error {
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	one.Set(cpu)
	var done atomic.Bool
	var spinner atomic.Int64
	var errs [2]error
	spin := sys.Thread("sy-calibrate", func() {
		if errs[0] = os.NewSyscallError("sched_setaffinity",
			unix.SchedSetaffinity(0, &one)); errs[0] != nil {
			return
		}
		attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}
		if errs[0] = os.NewSyscallError("sched_setattr",
			unix.SchedSetAttr(0, &attr, 0)); errs[0] != nil {
			return
		}
		spinner.Store(int64(sys.Gettid()))
		for !done.Load() {
			unix.Syscall(unix.SYS_GETPPID, 0, 0, 0) // where the runtime can stop it
		}
	})
	<-sys.Thread("sy-calibrate", func() {
		if errs[1] = os.NewSyscallError("sched_setaffinity",
			unix.SchedSetaffinity(0, &one)); errs[1] != nil {
			return
		}
		for range flagRounds {
			unix.Nanosleep(&unix.Timespec{Nsec: 100_000}, nil)
		}
	})
	// Where others want its CPU, it would take long to find out that it is done. Its rank it gets
	// back with CAP_SYS_NICE.
	if tid := int(spinner.Load()); tid != 0 {
		unix.SchedSetaffinity(tid, &all)
		unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr,
			Policy: unix.SCHED_NORMAL}, 0)
	}
	done.Store(true)
	<-spin
	return errors.Join(errs[:]...)
}

// migrateSelf makes a thread that runs go from a CPU to another and back: it is the CPU's stopper
// thread that moves it, and preempts it to do so (kernel/sched/core.c, affine_move_task).
func migrateSelf(cpu int) error {
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	other := -1
	for i := range len(may) * 64 {
		if may.IsSet(i) && i != cpu {
			other = i
			break
		}
	}
	if other < 0 {
		return errors.New("there is but one CPU to run on")
	}
	var err error
	<-sys.Thread("sy-calibrate", func() {
		for range flagRounds {
			for _, to := range []int{cpu, other} {
				var set unix.CPUSet
				set.Set(to)
				if err = os.NewSyscallError("sched_setaffinity",
					unix.SchedSetaffinity(0, &set)); err != nil {
					return
				}
			}
		}
	})
	return err
}
