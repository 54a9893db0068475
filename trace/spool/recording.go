package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"switchyard/internal/sys"
	"switchyard/trace/event"
)

// Recording is what a spool holds, read: every event in the order of time, and the tasks they are
// about.
type Recording struct {
	f     *os.File
	own   bool // it is ours to close
	x     *index
	tasks []event.Task
	ids   []kernelIDs // by task
	// by the kernel's TID: whose it is at this point of the recording, plus 1; 0: nobody's known
	now   []event.TaskID
	books []lastBooks // by task
	// numbers are by the kernel's TID: what the recorder's PID namespace calls it now. In the first
	// one there are none.
	numbers []uint32
	// current is by CPU: who came to it last. exchanged are the kernel's TIDs of leaders that a
	// thread has taken, before exec's event, and who had them. renamed are the last names that
	// leaders have given themselves: exec gives one, too.
	current   []event.TaskID
	exchanged map[uint32]event.TaskID
	renamed   map[event.TaskID]renaming
	renamings int
	marks     map[event.TaskID]uint32 // what tells the tasks apart that have got other numbers
	opened    []event.Snapshot
	closed    []event.Snapshot
	last      []event.Snapshot
	bad       error
	read      bool
	beyond    uint64 // records after the end of a recording that was cut off
}

// lastBooks are a task's own counters at its last switch.
type lastBooks struct {
	nvcsw, nivcsw uint16
	known         bool
}

// Open opens a spool for reading, whole or cut off. The error wraps ErrFormat if it is none, or was
// written by a newer version.
func Open(path string) (_ *Recording, err error) {
	f, err := sys.OpenRegular(path)
	if errors.Is(err, sys.ErrNotRegular) {
		return nil, fmt.Errorf("%w: %w", err, ErrFormat)
	}
	if err != nil {
		return nil, err
	}
	r, err := Read(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.own = true
	return r, nil
}

// Read is Open for a file that is open for reading. It stays the caller's to close.
func Read(f *os.File) (*Recording, error) {
	x, err := readIndex(f)
	if err != nil {
		return nil, err
	}
	r := &Recording{f: f, x: x}
	r.opened, err = r.snapshots(x.opened, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Clean(f.Name()), err)
	}
	return r, nil
}

// Close closes the file, if Open opened it.
func (r *Recording) Close() error {
	if !r.own {
		return nil
	}
	return r.f.Close()
}

// Cut says how the recording ends before its end, "" if it is whole.
func (r *Recording) Cut() string {
	var why string
	switch {
	case r.bad != nil:
		return r.bad.Error()
	case r.x.cutCause != "":
		why = fmt.Sprintf("%s (%d bytes were left out)", r.x.cutCause, r.x.cut)
	case r.x.end == nil:
		why = "the tracer ended before it could complete the recording"
	default:
		return ""
	}
	if r.x.begin.Version < 3 {
		return why + ": of its last 50 ms some CPUs' events may be missing, and checks fail for that"
	}
	why += ": it ends where every CPU's events are known"
	if r.beyond > 0 {
		why += fmt.Sprintf(", and %d after that are left out", r.beyond)
	}
	return why
}

// Opens reports whether the recording has a window: one that was cut off may end before.
func (r *Recording) Opens() bool {
	return r.x.window != nil && r.x.until() > r.x.window.Time
}

// Window returns the time the recording is about. If it was cut off, it ends where the events of
// every CPU are known.
func (r *Recording) Window() event.Window {
	var w event.Window
	if r.x.window != nil {
		w.Open = r.x.window.Time
	}
	switch {
	case r.x.end != nil:
		w.Close = r.x.end.Time
	case r.x.begin.Version < 3:
		w.Close = max(r.x.last, w.Open)
	default:
		w.Close = max(r.x.known, w.Open)
	}
	return w
}

// Opened returns the snapshot taken before the window opened.
func (r *Recording) Opened() []event.Snapshot { return r.opened }

// Closed returns the snapshot taken after the window closed, once all events are read.
func (r *Recording) Closed() []event.Snapshot { return r.closed }

// Last returns what the kernel's books said of each task at its last switch, of those whose was
// recorded, once all events are read. Before version 4 there is nothing.
func (r *Recording) Last() []event.Snapshot { return r.last }

// Lost returns the intervals in which events were lost.
func (r *Recording) Lost() []event.Lost { return r.x.lost }

// Records returns how many records there are, of which events are the most.
func (r *Recording) Records() uint64 { return r.x.records }

// Tasks returns the tasks known so far.
func (r *Recording) Tasks() []event.Task { return r.tasks }

// About is what a recording says of itself.
type About struct {
	// what an older spool does not tell is empty; Host.CPUs are possible ones: no event is of
	// another
	Host   event.Host
	Online int // above the highest number of one that was online
	// those online when the window opened, in the kernel's list format; "": not known
	CPUs      string
	NoHotplug string   // why it is not known when CPUs went offline and came back; "": it is
	All       bool     // as in RecordOptions
	Probes    []string // likewise; an older spool does not tell
	Syscalls  bool     // those of system calls are among them
	// the recorder was in a PID namespace of its own: the snapshots are of that one's tasks
	Nested bool
	Buffer int      // the size of each ring, bytes
	Args   []string // the recorder's command line
	// The same moment by two clocks, ns: CLOCK_BOOTTIME, which all times of the recording are of,
	// and CLOCK_REALTIME.
	Boottime, Realtime int64

	// Steal is the time the hypervisor kept from all CPUs in the window, Interrupts what they spent
	// in interrupts. Ctxt is ctxt of /proc/stat at its two ends, nil if that could not be read.
	// Cost is what recording took. A recording that was cut off has none of them.
	Steal, Interrupts *time.Duration
	Ctxt              *[2]event.Reading
	Cost              Cost

	// Throttled is as in Counts. Nil if it is not known, and ThrottledWhy has the reason.
	Throttled    *event.Throttling
	ThrottledWhy string
}

// About returns it.
func (r *Recording) About() About {
	b := &r.x.begin
	a := About{
		Host: b.host(), Online: min(b.Online, b.CPUs), All: b.All, Probes: b.Probes,
		Syscalls: b.Syscalls, Nested: b.Level > 0, Buffer: b.Buffer, Args: b.Args,
		Boottime: b.Boottime, Realtime: b.Realtime,
		ThrottledWhy: "the recording was cut off before it was read a second time",
	}
	if a.NoHotplug = b.NoHotplug; b.Version < 5 {
		a.NoHotplug = "an older switchyard recorded it"
	}
	if r.x.window != nil {
		a.CPUs = r.x.window.Online
	}
	if end := r.x.end; end != nil {
		a.Steal, a.Interrupts, a.Cost = (*time.Duration)(&end.Steal),
			(*time.Duration)(&end.Interrupts), end.Cost
		a.Throttled, a.ThrottledWhy = end.Throttled, end.ThrottledWhy
		if a.Throttled == nil && a.ThrottledWhy == "" {
			a.ThrottledWhy = "an older switchyard recorded it"
		}
		if open := r.x.window; open != nil && open.Ctxt != nil && end.Ctxt != nil {
			a.Ctxt = &[2]event.Reading{*open.Ctxt, *end.Ctxt}
		}
	}
	return a
}

// maxTID is above any TID (PID_MAX_LIMIT, include/linux/threads.h).
const maxTID = 1 << 22

// Events calls f with each event, in the order of time. The event is good until f returns. It can
// be called once. An event that lies in its ring further from where its time belongs than anything
// known can bring it has the time of the one before.
func (r *Recording) Events(f func(*event.Event) error) error {
	if r.read {
		return errors.New("trace: a recording's events are read once: open it again")
	}
	r.read = true
	m := newMerge(r.f, r.x.rings)
	var e event.Event
	var last int64
	until := uint64(r.x.until())
	for {
		x := m.next()
		if x == nil {
			break
		}
		if x.time > until {
			r.beyond++
			m.drop()
			continue
		}
		ok, err := r.decode(&e, x.b)
		if err != nil {
			r.bad = err
			break
		}
		if ok {
			e.Time = max(e.Time, last)
			last = e.Time
			if err := f(&e); err != nil {
				return err
			}
		}
		m.drop()
	}
	if r.bad == nil {
		r.bad = m.err()
	}
	var err error
	r.closed, err = r.snapshots(r.x.closed, false)
	return err
}

func (r *Recording) payload(fr frame) ([]byte, error) {
	b := make([]byte, fr.size)
	_, err := r.f.ReadAt(b, fr.at)
	if err == io.EOF {
		err = nil
	}
	return b, err
}

// decode makes an event of a record. Not every record is one.
func (r *Recording) decode(e *event.Event, b []byte) (bool, error) {
	kind := recordKind(b[recordType])
	if int(kind) >= len(sizes) || sizes[kind] == 0 || len(b) < sizes[kind] {
		return false, fmt.Errorf("a record of kind %d and %d bytes: %w", kind, len(b), ErrFormat)
	}
	if kind == kindLost {
		return false, nil // known from the index
	}
	le := binary.LittleEndian
	cpu := le.Uint16(b[recordCPU:])
	*e = event.Event{
		Time:  int64(le.Uint64(b[recordTime:])),
		Kind:  event.Kind(kind),
		Flags: event.Flags(b[recordFlags]),
		CPU:   cpu,
		Other: event.NoTask,
	}
	if e.Time < 0 {
		return false, fmt.Errorf("a record of %d ns after the boot: %w", uint64(e.Time), ErrFormat)
	}
	if int(cpu) >= r.x.begin.CPUs {
		return false, fmt.Errorf("CPU %d of %d: %w", cpu, r.x.begin.CPUs, ErrFormat)
	}
	tid := le.Uint32(b[recordTask:])
	var err error
	switch kind {
	case kindNew, kindExec, kindRename, kindNumber:
		if err := r.learn(tid, le.Uint32(b[identityNr:])); err != nil {
			return false, err
		}
	case kindExit, kindFree, kindSyscallEnter, kindSyscallExit, kindBooks:
		if tid == 0 {
			return false, fmt.Errorf("a record of kind %d of an idle task: %w", kind, ErrFormat)
		}
	}
	switch kind {
	case kindNumber:
		r.renumbered(le.Uint32(b[identityOld:]), tid, le.Uint32(b[identityBy:]))
		return false, nil
	case kindBooks:
		return false, r.keep(e, b, tid)
	case kindNew:
		err = r.made(e, b, tid)
	case kindExec:
		err = r.executed(e, b, tid)
	case kindOffline, kindOnline:
		e.Task, e.Value = event.NoTask, int64(le.Uint16(b[cpuOf:]))
		if e.Value >= int64(r.x.begin.CPUs) {
			err = fmt.Errorf("CPU %d of %d: %w", e.Value, r.x.begin.CPUs, ErrFormat)
		}
	default:
		e.Task, err = r.task(tid, cpu)
	}
	if err != nil {
		return false, err
	}
	switch kind {
	case kindSwitch:
		if e.Other, err = r.task(le.Uint32(b[switchNext:]), cpu); err != nil {
			return false, err
		}
		e.State = le.Uint16(b[switchState:])
		e.Prio, e.OtherPrio = b[switchPrio], b[switchNextPrio]
		e.NVCSW, e.NIVCSW = le.Uint16(b[switchNVCSW:]), le.Uint16(b[switchNIVCSW:])
		e.Value = int64(le.Uint32(b[switchExec:]))
		r.exchange(e)
		r.switched(e)
	case kindWaking, kindWakeNew:
		if e.Other, err = r.task(le.Uint32(b[wakingBy:]), cpu); err != nil {
			return false, err
		}
		e.Value = int64(int16(le.Uint16(b[wakingFrom:])))
		e.Prio = b[wakingPrio]
	case kindMigrate:
		if e.Other, err = r.task(le.Uint32(b[migrateBy:]), cpu); err != nil {
			return false, err
		}
		e.Value = int64(le.Uint16(b[migrateTo:]))
	case kindRename:
		r.renames(e.Task, tid, le.Uint32(b[identityBy:]), name(b[identityComm:]))
		r.number(e.Task)
	case kindSyscallEnter, kindSyscallExit:
		e.Value = int64(le.Uint64(b[syscallValue:]))
	case kindFree:
		r.freed(e.Task, tid, int64(le.Uint64(b[endStart:])))
	}
	switch kind {
	case kindSwitch: // the probe said which of the two
	case kindWaking, kindWakeNew, kindMigrate,
		kindSyscallEnter, kindSyscallExit:
		e.Flags |= event.FlagTaskTraced // of others they are not recorded
	default:
		if e.Task >= 0 && r.tasks[e.Task].Traced {
			e.Flags |= event.FlagTaskTraced
		}
	}
	if e.Task >= 0 && kind == kindExit && r.tasks[e.Task].Started == 0 {
		r.tasks[e.Task].Started = int64(le.Uint64(b[endStart:]))
	}
	return true, nil
}

// keep keeps the kernel's books on a task at its last switch.
func (r *Recording) keep(e *event.Event, b []byte, tid uint32) error {
	id, err := r.task(tid, e.CPU)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	r.last = append(r.last, event.Snapshot{
		Time: e.Time, Task: id, CPU: e.CPU, State: event.StateDead, Activity: event.OnCPU,
		NVCSW: le.Uint64(b[booksNVCSW:]), NIVCSW: le.Uint64(b[booksNIVCSW:]),
		Exec:     le.Uint64(b[booksExec:]),
		RunDelay: le.Uint64(b[booksRunDelay:]), HasRunDelay: recordFlag(b[recordFlags])&
			flagRunDelay != 0,
	})
	return nil
}

// exchange finds out that exec in a thread has exchanged the numbers of thread and leader, in a
// recording of all tasks, where no record says so: its event comes only later, when the program is
// loaded, and either may leave its CPU before. Then another of the process seems to leave than
// came, and the counters are of the one that came (de_thread in fs/exec.c).
func (r *Recording) exchange(e *event.Event) {
	if !r.x.begin.All && r.x.begin.Version >= 2 {
		return
	}
	for len(r.current) <= int(e.CPU) {
		r.current = append(r.current, event.NoTask)
	}
	came := r.current[e.CPU]
	r.current[e.CPU] = e.Other
	if came < 0 || e.Task < 0 || came == e.Task {
		return
	}
	a, b := &r.ids[came], &r.ids[e.Task]
	if a.tgid == 0 || a.tgid != b.tgid || a.tid != a.tgid && b.tid != b.tgid ||
		!r.books[came].follows(e) || r.books[e.Task].follows(e) {
		return
	}
	r.swap(came, e.Task)
	if e.Other == e.Task {
		e.Other = came
	} else if e.Other == came {
		e.Other = e.Task
	}
	r.current[e.CPU] = e.Other
	e.Task = came
}

// follows reports whether a switch is the next one of the task whose last counters these are.
func (b lastBooks) follows(e *event.Event) bool {
	return b.known && uint16(e.NVCSW-b.nvcsw)+uint16(e.NIVCSW-b.nivcsw) == 1
}

// switched sets right what the probe could not know: with a signal pending, the kernel counts a
// switch as voluntary and then shows the task as running (since 6.15). Its counters tell.
func (r *Recording) switched(e *event.Event) {
	if e.Flags&event.FlagTaskTraced != 0 && e.Task >= 0 {
		r.tasks[e.Task].Traced = true
	}
	if e.Flags&event.FlagOtherTraced != 0 && e.Other >= 0 {
		r.tasks[e.Other].Traced = true
	}
	if e.Task < 0 {
		e.Flags &^= event.FlagVoluntary | event.FlagYield
		return
	}
	b := &r.books[e.Task]
	if b.known {
		switch vol, invol := e.NVCSW-b.nvcsw, e.NIVCSW-b.nivcsw; {
		case vol == 1 && invol == 0:
			e.Flags = e.Flags&^event.FlagYield | event.FlagVoluntary
		case vol == 0 && invol == 1:
			e.Flags &^= event.FlagVoluntary
		}
	}
	*b = lastBooks{e.NVCSW, e.NIVCSW, true}
}

// task returns whose one of the kernel's TIDs is now.
func (r *Recording) task(tid uint32, cpu uint16) (event.TaskID, error) {
	if tid == 0 {
		return event.Idle(int(cpu)), nil
	}
	if int(tid) < len(r.now) && r.now[tid] != 0 {
		return r.now[tid] - 1, nil
	}
	return r.add(kernelIDs{tid: tid}, event.Task{Parent: event.NoTask})
}

// add puts a new task into the table: the kernel's TID is now its own.
func (r *Recording) add(k kernelIDs, t event.Task) (event.TaskID, error) {
	if k.tid == 0 || k.tid > maxTID {
		return 0, fmt.Errorf("task %d: %w", k.tid, ErrFormat)
	}
	if len(r.tasks) == 1<<30 {
		return 0, fmt.Errorf("more than %d tasks: %w", 1<<30, ErrFormat)
	}
	id := event.TaskID(len(r.tasks))
	r.tasks = append(r.tasks, t)
	r.ids = append(r.ids, k)
	r.books = append(r.books, lastBooks{})
	r.now = upTo(r.now, k.tid)
	r.now[k.tid] = id + 1
	r.number(id)
	return id, nil
}

func name(comm []byte) string {
	n, _, _ := bytes.Cut(comm[:min(len(comm), commSize)], []byte{0})
	return string(n)
}

// made is a task's first event.
func (r *Recording) made(e *event.Event, b []byte, tid uint32) (err error) {
	le := binary.LittleEndian
	if e.Other, err = r.task(le.Uint32(b[identityBy:]), e.CPU); err != nil {
		return err
	}
	ids := kernelIDs{tid: tid, tgid: le.Uint32(b[identityTGID:])}
	t := event.Task{
		Parent:  e.Other,
		Name:    name(b[identityComm:]),
		Started: int64(le.Uint64(b[identityStart:])),
		Kernel:  b[recordFlags]&byte(flagKernel) != 0,
		Traced:  b[recordFlags]&byte(flagAdopted) != 0,
	}
	if ids.tgid == r.x.begin.Tracer {
		t.Tracer = true
	}
	// It may be known from the snapshot already, or from an event of a CPU whose clock is ahead.
	if int(tid) < len(r.now) && r.now[tid] != 0 {
		id := r.now[tid] - 1
		if known := &r.tasks[id]; known.Started == t.Started || known.Started == 0 {
			t.Early = known.Early
			t.Traced = t.Traced || known.Traced
			if t.Early { // a snapshot's name is newer
				t.Name = known.Name
			}
			*known = t
			r.ids[id] = ids
			r.number(id)
			e.Task = id
			e.Flags &= event.FlagThread
			return nil
		}
	}
	if e.Task, err = r.add(ids, t); err != nil {
		return err
	}
	// they are empty; exchange has a use for those that have been seen only
	r.books[e.Task].known = !r.x.begin.All
	e.Flags &= event.FlagThread
	return nil
}

// executed: a thread that is not the leader has the leader's number from now on.
func (r *Recording) executed(e *event.Event, b []byte, tid uint32) (err error) {
	leader, exchanged := r.exchanged[tid]
	if old := binary.LittleEndian.Uint32(b[identityOld:]); exchanged {
		delete(r.exchanged, tid)
	} else if old != tid && int(old) < len(r.now) && r.now[old] != 0 {
		if exchanged = int(tid) < len(r.now) && r.now[tid] != 0; exchanged {
			leader = r.now[tid] - 1
		}
		r.rename(r.now[old]-1, tid)
	}
	if e.Task, err = r.task(tid, e.CPU); err != nil {
		return err
	}
	if exchanged {
		r.unrename(leader, e.Task, name(b[identityComm:]))
	}
	delete(r.renamed, e.Task)
	r.ids[e.Task].tgid = binary.LittleEndian.Uint32(b[identityTGID:])
	r.number(e.Task)
	t := &r.tasks[e.Task]
	t.Name = name(b[identityComm:])
	t.Started = int64(binary.LittleEndian.Uint64(b[identityStart:]))
	return nil
}

// rename gives a task another of the kernel's numbers.
func (r *Recording) rename(id event.TaskID, tid uint32) {
	k := &r.ids[id]
	if int(tid) >= len(r.now) || tid == 0 {
		return
	}
	if r.now[k.tid] == id+1 {
		r.now[k.tid] = 0
	}
	r.now[tid] = id + 1
	k.tid = tid
	r.number(id)
}

// freed takes a task's number from it. If the number is another's, then exec has just exchanged the
// two: the old leader goes under the thread's number, before the event of exec comes.
func (r *Recording) freed(id event.TaskID, tid uint32, start int64) {
	t := &r.tasks[id]
	if t.Started == 0 || t.Started == start {
		r.now[tid] = 0
		r.forget(tid)
		if len(r.exchanged) == 0 { // else exec's event may have to take it back
			delete(r.renamed, id)
		}
		return
	}
	if g := r.ids[id].tgid; g > 0 && int(g) < len(r.now) && r.now[g] != 0 &&
		r.tasks[r.now[g]-1].Started == start {
		r.taken(g, r.now[g]-1)
		r.rename(id, g)
	}
}

// snapshots reads what the walk wrote at one end of the window.
func (r *Recording) snapshots(frames []frame, early bool) ([]event.Snapshot, error) {
	le := binary.LittleEndian
	var out []event.Snapshot
	parents := make(map[event.TaskID]uint32)
	for _, fr := range frames {
		b, err := r.payload(fr)
		if err != nil {
			return nil, err
		}
		for ; len(b) >= snapshotSize; b = b[snapshotSize:] {
			flags := snapshotFlag(b[recordFlags])
			tid, start := le.Uint32(b[recordTask:]), int64(le.Uint64(b[snapshotStart:]))
			if tid == 0 {
				continue
			}
			if int(tid) < len(r.now) && r.now[tid] != 0 && r.tasks[r.now[tid]-1].Started != start &&
				r.tasks[r.now[tid]-1].Started != 0 {
				r.now[tid] = 0 // that one was freed unseen
			}
			id, err := r.task(tid, 0)
			if err != nil {
				return nil, err
			}
			if err := r.learn(tid, le.Uint32(b[snapshotNr:])); err != nil {
				return nil, err
			}
			r.ids[id].tgid = le.Uint32(b[snapshotTGID:])
			t := &r.tasks[id]
			t.Name = name(b[snapshotComm:])
			t.Started = start
			t.Kernel = flags&snapshotKernel != 0
			t.Tracer = flags&snapshotTracer != 0
			t.Traced = t.Traced || flags&snapshotTraced != 0
			t.Early = t.Early || early
			if t.Parent == event.NoTask {
				parents[id] = le.Uint32(b[snapshotParent:])
			}
			s := event.Snapshot{
				Time: int64(le.Uint64(b[recordTime:])), Task: id, CPU: le.Uint16(b[recordCPU:]),
				State: le.Uint16(b[snapshotState:]),
				NVCSW: le.Uint64(b[snapshotNVCSW:]), NIVCSW: le.Uint64(b[snapshotNIVCSW:]),
				Exec: le.Uint64(b[snapshotExec:]), RunDelay: le.Uint64(b[snapshotRunDelays:]),
				HasRunDelay: flags&snapshotRunDelay != 0,
			}
			switch {
			case flags&snapshotOnCPU != 0:
				s.Activity = event.OnCPU
			case flags&snapshotQueued != 0:
				s.Activity = event.Runnable
			default:
				s.Activity = event.Blocked
			}
			out = append(out, s)
		}
	}
	for i := range out { // a thread can come before its leader
		r.number(out[i].Task)
	}
	for id, tgid := range parents {
		if int(tgid) < len(r.now) && r.now[tgid] != 0 {
			r.tasks[id].Parent = r.now[tgid] - 1
		}
	}
	return out, nil
}
