package trace

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"switchyard/internal/bpf"
	"switchyard/internal/proc"
	"switchyard/internal/sys"
	"switchyard/trace/spool"
)

// RecordOptions says what a Recorder records. The zero value is every scheduling event of the
// processes it is told to follow.
type RecordOptions struct {
	// All records every task on the machine. Nothing needs to be followed then.
	All bool

	// Probes are the names of those that are asked for: Optional(RecordDepth) has them. One that
	// cannot be used here is an error.
	Probes []string

	// Buffer is the size of each CPU's ring in bytes, rounded up to a power of two of at least a
	// page; 0 means 8 MiB.
	Buffer int
}

// DefaultBuffer is the size of each CPU's ring in bytes when RecordOptions does not say.
const DefaultBuffer = 8 << 20

const (
	// A ring is emptied at least this often, however little is in it; what is not in the spool yet
	// when the tracer is killed is lost.
	drainEvery = 50 * time.Millisecond
	// A probe has put its record into the ring this long after it has read the clock. It takes a
	// microsecond, unless a hypervisor takes the CPU away just then.
	settled = 10 * time.Millisecond
	// How long the last record may be in the making when recording has ended.
	lastRecord = time.Second
)

// Recorder writes every scheduling event of the tasks it follows to a spool. It is made by
// OpenRecorder, records from Start to Stop, once, and is ended by Close. Its methods may be called
// from several goroutines, one at a time.
type Recorder struct {
	opts RecordOptions

	mu     sync.Mutex
	closed bool
	state  recorderState

	ctl, rec *ebpf.Memory
	objs     objects
	rings    []*sys.Ring
	inner    []*ebpf.Map
	spool    *spool.Writer
	draining sync.Mutex
	epoll    int
	wake     *os.File        // written to: the reader looks at once
	reader   <-chan struct{} // closed when it has ended
	stopping chan struct{}
	cost     spool.Cost

	known  int64  // up to here the spool is complete, ns
	unsaid []byte // the losses that it was told of before the rings tell

	pids      []int  // what Follow was told
	noHotplug string // why it is not known when CPUs go offline; "": it is

	stat     proc.Stat // when the window opened
	throttle *ThrottleWatch
}

type recorderState int

const (
	recorderIdle recorderState = iota
	recorderRunning
	recorderDone
)

// OpenRecorder loads and attaches the probes of record depth. The error says what is missing and
// what to do, and wraps errors.ErrUnsupported or os.ErrPermission.
//
// It needs CAP_BPF and CAP_PERFMON, or root, and a kernel with BTF. Afterwards the capabilities may
// be dropped, from 5.19 on.
func OpenRecorder(opts RecordOptions) (_ *Recorder, err error) {
	start := time.Now()
	opts.Buffer = roundBuffer(cmp.Or(opts.Buffer, DefaultBuffer))
	r := &Recorder{opts: opts, epoll: -1, stopping: make(chan struct{})}
	defer func() {
		if err != nil {
			r.release()
		}
	}()
	if err := r.load(); err != nil {
		return nil, err
	}
	if r.ctl, err = r.objs.base.Maps[ctlMap].Memory(); err != nil {
		return nil, bpf.Explain("shared memory", err)
	}
	if r.rec, err = r.objs.base.Maps[".data.rec"].Memory(); err != nil {
		return nil, bpf.Explain("shared memory", err)
	}
	if _, err := r.visit(recordRecordModeRECORD_WALK_SELF); err != nil {
		return nil, bpf.Explain("walk", err)
	}
	r.cost.Attach = time.Since(start)
	r.cost.Memory = r.objs.memory(r.inner...)
	return r, nil
}

func (r *Recorder) load() error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return bpf.Explain("record", err)
	}
	if r.objs, err = newObjects(1, bpf.Abilities{}); err != nil {
		return bpf.Explain("record", err)
	}
	r.objs.knobs["record_all"] = r.opts.All
	r.objs.knobs["ring_wake"] = uint32(r.opts.Buffer / 4)
	r.objs.knobs["ring_size"] = uint32(r.opts.Buffer)
	parts, err := r.objs.loadProbes(RecordDepth, r.opts.Probes, func(p probe, why error) error {
		switch {
		case p.always:
			r.noHotplug = why.Error()
		case !errors.Is(why, errNotAsked):
			return why
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := r.makeRings(min(cpus, spool.MaxRings)); err != nil {
		return err
	}
	return r.objs.attachProbes(parts)
}

// Follow records a process and all its descendants, those that exist and those to come. The pid is
// that of a process in the caller's PID namespace; the caller itself is left out unless its own pid
// is given. With All, there is no need.
//
// The error wraps syscall.ESRCH if there is no such process.
func (r *Recorder) Follow(pid int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return fmt.Errorf("trace: follow: %w", os.ErrClosed)
	}
	if pid <= 0 {
		return fmt.Errorf("trace: follow process %d: %w", pid, syscall.ESRCH)
	}
	r.setCtl("Root", uint32(pid))
	r.setCtl("Adopting", 1)
	for {
		r.setRec(recFound, 0)
		r.setRec(recRoot, 0)
		if _, err := r.visit(recordRecordModeRECORD_WALK_FOLLOW); err != nil {
			return bpf.Explain("follow", err)
		}
		if r.getRec(recFound) > 0 {
			// children may have come meanwhile, and a child's number may be below its parent's
			continue
		}
		if r.getRec(recRoot) == 0 {
			return fmt.Errorf("trace: follow process %d: %w", pid, syscall.ESRCH)
		}
		r.pids = append(r.pids, pid)
		if r.state == recorderRunning {
			r.throttle.add(pid)
		}
		return nil
	}
}

// Start takes a snapshot of every task and opens the window. From then on events are in the
// recording, which goes to f: an empty file, open for writing, that stays the caller's to close and
// must be open until Stop or Close.
func (r *Recorder) Start(f *os.File) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return fmt.Errorf("trace: start: %w", os.ErrClosed)
	case r.state != recorderIdle:
		return errors.New("trace: start: a recorder records once: open another")
	}
	s := spool.NewWriter(f)
	r.spool = s
	begin, err := r.begin()
	if err != nil {
		return bpf.Explain("start", err)
	}
	if err := s.Append(spool.FrameBegin, 0, begin); err != nil {
		return bpf.Explain("start", err)
	}
	if err := r.startReader(); err != nil {
		return bpf.Explain("start", err)
	}
	r.stat = readStat()
	r.throttle = watch(r.opts.All, r.pids)
	// Events first, then the snapshot: what changes while it is taken is known from them.
	r.setRec(recOn, 1)
	r.state = recorderRunning
	before := sys.Boottime()
	rows, err := r.visit(recordRecordModeRECORD_WALK_SNAPSHOT)
	if err == nil {
		err = sameClock(rows, before, sys.Boottime())
	}
	if err != nil {
		return bpf.Explain("start", err)
	}
	if err := s.Append(spool.FrameOpen, 0, rows); err != nil {
		return bpf.Explain("start", err)
	}
	return bpf.Explain("start", r.mark(spool.FrameWindow, spool.Mark{}))
}

// sameClock says why the probes' clock, by which the rows of a walk were read, is not the one that
// the window's ends are taken from. Without that the window would be about another time than the
// events.
func sameClock(rows []byte, before, after int64) error {
	const tolerance = int64(time.Millisecond)
	if len(rows) < 8 {
		return nil
	}
	if t := int64(binary.NativeEndian.Uint64(rows)); t < before-tolerance || t > after+tolerance {
		return fmt.Errorf("CLOCK_BOOTTIME here is %v ahead of the kernel's: in a time namespace of a kernel before 6.1, start a program in it that starts this one",
			time.Duration(before-t).Round(time.Millisecond))
	}
	return nil
}

func (r *Recorder) begin() ([]byte, error) {
	release, machine := proc.Uname()
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, err
	}
	boot, real := clockPair()
	host, _ := proc.Here.Host()
	host.CPUs = cpus
	return json.Marshal(spool.Begin{
		Version: spool.Version, Kernel: release, Machine: machine,
		CPUs: cpus, Online: online(cpus), NoHotplug: r.noHotplug,
		Rings: len(r.rings), All: r.opts.All,
		Syscalls: slices.Contains(r.opts.Probes, "record_syscall"), Probes: r.opts.Probes,
		Buffer: r.opts.Buffer,
		Tracer: r.getCtl("Self"), Level: r.getCtl("Level"), Args: os.Args, Boottime: boot,
		Realtime: real, Host: host,
	})
}

// online returns a number above those of all CPUs that are online; possible, if that cannot be
// read.
func online(possible int) int {
	list, err := proc.Here.Online()
	if err != nil || len(list) == 0 || list[len(list)-1] >= possible {
		return possible
	}
	return list[len(list)-1] + 1
}

// clockPair reads both clocks at the same moment, as nearly as it can.
func clockPair() (boot, real int64) {
	var best int64 = 1 << 62
	for range 5 {
		a, w, b := sys.Boottime(), time.Now().UnixNano(), sys.Boottime()
		if d := b - a; d < best {
			best, boot, real = d, a+d/2, w
		}
	}
	return boot, real
}

func (r *Recorder) mark(kind spool.FrameKind, m spool.Mark) error {
	m.Ctxt, m.Why = readCtxt()
	if list, err := proc.Here.Online(); err == nil {
		m.Online = list.String()
	}
	m.Time = sys.Boottime()
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return r.spool.Append(kind, 0, b)
}

// Failed returns a channel that is closed when nothing more can be recorded: the disk is full. Stop
// says why. It is of use between Start and Stop.
func (r *Recorder) Failed() <-chan struct{} { return r.reader }

// Stop closes the window, takes the second snapshot and completes the spool.
func (r *Recorder) Stop() (spool.Cost, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return spool.Cost{}, fmt.Errorf("trace: stop: %w", os.ErrClosed)
	}
	if r.state != recorderRunning {
		return spool.Cost{}, errors.New("trace: stop: nothing is being recorded: start first")
	}
	r.state = recorderDone
	end := spool.End{}
	end.Ctxt, end.Why = readCtxt()
	end.Time = sys.Boottime()
	end.Steal = int64(max(0, readStat().Steal-r.stat.Steal))
	end.Interrupts = int64(max(0, readStat().Interrupts-r.stat.Interrupts))
	throttled, err := r.throttle.Read()
	if end.Throttled = throttled; err != nil {
		end.ThrottledWhy = err.Error()
	}
	rows, err := r.visit(recordRecordModeRECORD_WALK_SNAPSHOT)
	r.setRec(recOn, 0)
	close(r.stopping)
	r.wake.Write([]byte{0}) // a reader that is gone needs none
	<-r.reader
	waitForPrograms()
	for deadline := time.Now().Add(lastRecord); err == nil; time.Sleep(time.Millisecond) {
		var all bool
		if all, err = r.drain(); all {
			break
		}
		if err == nil && time.Now().After(deadline) {
			err = fmt.Errorf("an event is being recorded for %v", lastRecord)
		}
	}
	if err != nil {
		return r.cost, bpf.Explain("stop", err)
	}
	cpus, err := r.ringCPUs()
	if err != nil {
		return r.cost, bpf.Explain("stop", err)
	}
	for _, c := range cpus {
		r.cost.Events += c.Events
		r.cost.Lost += c.Lost
	}
	end.Cost = r.cost
	b, err := json.Marshal(end)
	if err != nil {
		return r.cost, bpf.Explain("stop", err)
	}
	for _, f := range []struct {
		kind    spool.FrameKind
		payload []byte
	}{{spool.FrameClose, rows}, {spool.FrameMissing, missing(cpus)}, {spool.FrameEnd, b}} {
		if err := r.spool.Append(f.kind, 0, f.payload); err != nil {
			return r.cost, bpf.Explain("stop", err)
		}
	}
	return r.cost, nil
}

// visit has the kernel visit every task, and returns what it wrote.
func (r *Recorder) visit(mode recordRecordMode) ([]byte, error) {
	r.setCtl("Mode", uint32(mode))
	it, err := r.objs.walk.Open()
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var out []byte
	buf := make([]byte, 64<<10)
	for {
		// EAGAIN: a million tasks were passed, and there are more.
		n, err := it.Read(buf)
		out = append(out, buf[:n]...)
		if err == io.EOF {
			return out, nil
		}
		if err != nil && !errors.Is(err, syscall.EAGAIN) {
			return nil, err
		}
	}
}

// Close detaches the probes and ends the spool. Nothing stays behind in the kernel. A recording
// that was not stopped stays in its spool, as far as it was written. A second Close returns
// os.ErrClosed.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return fmt.Errorf("trace: close: %w", os.ErrClosed)
	}
	r.closed = true
	if r.state == recorderRunning {
		r.setRec(recOn, 0)
		close(r.stopping)
		r.wake.Write([]byte{0})
		<-r.reader
	}
	return r.release()
}

func (r *Recorder) release() error {
	errs := []error{r.objs.close()}
	for _, ring := range r.rings {
		errs = append(errs, ring.Close())
	}
	for _, m := range r.inner {
		errs = append(errs, m.Close())
	}
	if r.wake != nil {
		errs = append(errs, r.wake.Close())
	}
	if r.epoll >= 0 {
		errs = append(errs, unix.Close(r.epoll))
	}
	if r.spool != nil {
		errs = append(errs, r.spool.Abandon(nil))
	}
	return errors.Join(errs...)
}
