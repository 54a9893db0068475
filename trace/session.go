package trace

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sync"
	"time"

	"github.com/cilium/ebpf"

	"switchyard/internal/bpf"
	"switchyard/internal/proc"
	"switchyard/trace/event"
)

// Options says what a Session does. The zero value counts what the scheduler does, and forks,
// execs, exits and page faults, whose price is small: what costs more is asked for.
type Options struct {
	// Probes are the names of those that are asked for: Optional(CountDepth) has them. What one of
	// them lacks here leaves its columns empty, and Counts.Missing says why.
	Probes []string

	// MaxTasks bounds Counts.Tasks; further tasks are summed in Counts.Others. 0 means 1024. Each
	// takes 8 kB in the kernel, most of it for its latencies. Before Linux 5.12 it bounds the rows
	// of tasks that ended, and a Read has all that live.
	MaxTasks int

	lacking bpf.Abilities // what is not to be used although it is there: for tests
}

// Session is a set of probes in the kernel and what they count. It is made by Open and ended by
// Close. Its methods may be called from several goroutines, one at a time.
type Session struct {
	mu       sync.Mutex
	objs     objects
	ctl      *ebpf.Memory // a bpfControl
	opts     Options
	missing  map[string]string
	parts    []part // the probes that are attached
	attach   time.Duration
	memory   uint64
	closed   bool
	epoch    uint32 // the window's number; 0 is none
	running  bool
	unquiet  bool // a program may still be busy with the last window
	lastUsed uint32
	pids     []int // what Follow was told
	everyone bool  // FollowAll

	// The readings at the window's start.
	began    span
	opened   uint64
	first    event.Values // of the probes that count by themselves
	misses   map[string]uint64
	stat     proc.Stat // when the window opened
	throttle *ThrottleWatch
	opening  time.Duration
	lost     uint64 // tasks there was no memory to follow
	stranded []stranded

	// What Read handed over.
	ended   []bpfRow // those of the queue that it has still to
	retired latency  // of the tasks whose places others have now
}

// knobs are the programs' constants.
func knobs(a bpf.Abilities, maxTasks int) map[string]any {
	k := map[string]any{
		"max_rows":          uint32(maxTasks),
		"have_prev_state":   true,
		"have_current_btf":  a.Current,
		"have_task_pt_regs": a.PtRegs,
		"page_size":         uint64(os.Getpagesize()),
	}
	if runtime.GOARCH == "arm64" {
		k["nr_sched_yield"] = uint32(124)
	}
	// The state moved into the arguments in 5.18: proto is (data, preempt, prev, next, prev_state).
	if proto, err := bpf.Hook("sched_switch"); err == nil {
		k["have_prev_state"] = len(proto.Params) == 5
	}
	// Only x86 keeps it there (pcpu_hot from 6.2 to 6.14); elsewhere the tasks have it.
	if at, err := bpf.PerCPU("__preempt_count", "pcpu_hot.preempt_count"); err == nil {
		k["preempt_count_at"] = at
	}
	if at, err := bpf.PerCPU("current_task", "pcpu_hot.current_task"); err == nil {
		k["current_task_at"] = at
	}
	return k
}

// Open loads the probes into the kernel and attaches them. From then on they run, but count nothing
// until a process is followed. The error says what is missing and what to do, and wraps
// errors.ErrUnsupported or os.ErrPermission.
//
// It needs CAP_BPF and CAP_PERFMON, or root, and a kernel with BTF, 5.10 or later. Before 5.11 BPF
// maps count against RLIMIT_MEMLOCK, which is raised if CAP_SYS_RESOURCE allows it. Afterwards the
// capabilities may be dropped, from 5.19 on; before, bpf(2) is refused to others where
// kernel.unprivileged_bpf_disabled is set.
//
// At most 16384 tasks are followed at a time, or four times as many as there are when it is called,
// if that is more; further ones are a Loss. What an older kernel lacks is made up for. What is
// weaker there: before 5.12 a blocked interval can be counted twice if its end is seen by two CPUs
// at once, which takes a switch the kernel did not show, and fails the check life. From 7.0 on a
// task can be preempted in the middle of a probe; what others on its CPU do meanwhile passes that
// probe by, and is a Loss, mostly of system calls.
func Open(opts Options) (_ *Session, err error) {
	opts.MaxTasks = cmp.Or(max(opts.MaxTasks, 0), 1024)
	start := time.Now()
	s := &Session{opts: opts, missing: make(map[string]string)}
	if s.objs, err = newObjects(opts.MaxTasks, opts.lacking); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.objs.close()
		}
	}()

	s.parts, err = s.objs.loadProbes(CountDepth, opts.Probes, func(p probe, why error) error {
		s.miss(p, why.Error())
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.objs.fillSlots(); err != nil {
		return nil, bpf.Explain("slots", err)
	}
	if err := s.objs.attachProbes(s.parts); err != nil {
		return nil, err
	}
	if s.ctl, err = s.objs.base.Maps[ctlMap].Memory(); err != nil {
		return nil, bpf.Explain("shared memory", err)
	}
	if _, err := s.walk(bpfWalkModeWALK_SELF); err != nil {
		return nil, bpf.Explain("walk", err)
	}
	if s.get("Regs") == 0 {
		s.missing["yields"] = "this kernel does not tell what a task called (before 5.15, without CONFIG_VMAP_STACK)"
	}
	if !s.objs.can.Atomics {
		s.missing["new_task_latencies"] = "before Linux 5.12 only tasks that there are when a window opens have latencies of their own"
	}
	s.attach = time.Since(start)
	s.memory = s.objs.memory()
	return s, nil
}

func (s *Session) miss(p probe, reason string) {
	for _, column := range p.Columns {
		s.missing[column.Name] = reason
	}
}

// Close detaches the probes and frees what they counted. Nothing stays behind in the kernel. A
// second Close returns os.ErrClosed.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("trace: close: %w", os.ErrClosed)
	}
	s.closed = true
	return s.objs.close()
}

// switchedOff is why the columns of the detail probes are empty after Detail(false).
const switchedOff = "switched off"

// Detail attaches or detaches, between two windows, the probes that Options has asked for: those
// that answer questions of detail. They are on after Open.
//
// They are dear for what they do. That of system calls costs some 90 ns at every system call of
// every task on the machine, traced or not, for the kernel takes its slow path as long as anybody
// listens; that of TLB flushes 100 ns at every load of a page table. To know system calls per
// request without paying for them in requests per second, count them in a window of their own.
//
// Attaching needs the privileges of Open.
func (s *Session) Detail(on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return fmt.Errorf("trace: detail: %w", os.ErrClosed)
	case s.running:
		return errors.New("trace: detail: a window is open: stop it first")
	}
	for _, p := range s.parts {
		if p.Required || p.always {
			continue
		}
		if !on {
			if err := s.objs.detach(p.coll); err != nil {
				return bpf.Explain("detail", err)
			}
			s.miss(p.probe, switchedOff)
			continue
		}
		if err := s.objs.attach(p.coll); err != nil {
			return bpf.Explain("detail", err)
		}
		for _, column := range p.Columns {
			delete(s.missing, column.Name)
		}
	}
	return nil
}

// ctlMap is the section that holds the bpfControl.
const ctlMap = ".data.ctl"

// set writes a field of bpfControl, get reads it. It is memory shared with the kernel: no system
// call, no privilege.
func (s *Session) set(field string, value uint32) {
	if _, err := s.ctl.WriteAt(binary.NativeEndian.AppendUint32(nil, value),
		ctlOffset(field)); err != nil {
		panic("trace: " + field + ": " + err.Error()) // never: the offset is inside
	}
}

func (s *Session) get(field string) uint32 {
	var b [4]byte
	if _, err := s.ctl.ReadAt(b[:], ctlOffset(field)); err != nil {
		panic("trace: " + field + ": " + err.Error())
	}
	return binary.NativeEndian.Uint32(b[:])
}

func ctlOffset(field string) int64 {
	f, ok := reflect.TypeFor[bpfControl]().FieldByName(field)
	if !ok {
		panic("trace: no field " + field)
	}
	return int64(f.Offset)
}

// readMisses returns, by program, how often it was skipped because it was running already.
func (s *Session) readMisses() map[string]uint64 {
	misses := make(map[string]uint64)
	s.objs.programs(func(name string, p *ebpf.Program) {
		if stats, err := p.Stats(); err == nil {
			misses[name] += stats.RecursionMisses
		}
	})
	return misses
}
