package spool

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"switchyard/internal/sched"
	"switchyard/trace/event"
)

// A cutMachine is a model of a machine that is recorded, all of it: tasks run, sleep, wake each
// other, are made and end on some CPUs, each with a ring. A reader empties one ring after the
// other, while the machine goes on.
type cutMachine struct {
	rand  *rand.Rand
	now   uint64
	tid   uint32
	tasks []*cutTask
	dead  []*cutTask
	cpus  []cutCPU

	spool   []byte
	version int
	marks   []cutMark
	times   []uint64 // of the events that were recorded
	gaps    []event.Lost
}

type cutTask struct {
	tid      uint32
	start    uint64
	nv, niv  uint64
	exec, in uint64
	cpu      int
	on       bool
	queued   bool
}

type cutCPU struct {
	current *cutTask // nil: the idle task
	queue   []*cutTask
	ring    []byte
	full    bool
	lost    event.Lost // since it is
}

// cutMark is what the spool says at a place: it is complete up to a time.
type cutMark struct {
	at    int
	known uint64
}

func newCutMachine(seed uint64, cpus, version int) *cutMachine {
	m := &cutMachine{rand: rand.New(rand.NewPCG(seed, 7)), now: 1 << 40, tid: 100, version: version,
		cpus: make([]cutCPU, cpus)}
	for range 3 * cpus {
		m.tid++
		t := &cutTask{tid: m.tid, start: m.now, cpu: m.rand.IntN(cpus), queued: true}
		m.tasks = append(m.tasks, t)
		m.cpus[t.cpu].queue = append(m.cpus[t.cpu].queue, t)
	}
	begin, err := json.Marshal(Begin{Version: version, CPUs: cpus, Online: cpus,
		Rings: cpus, All: true})
	if err != nil {
		panic(err)
	}
	m.frame(FrameBegin, 0, begin)
	m.frame(FrameOpen, 0, m.snapshot())
	m.now++
	window, err := json.Marshal(Mark{Time: int64(m.now)})
	if err != nil {
		panic(err)
	}
	m.frame(FrameWindow, 0, window)
	return m
}

// frame appends a frame. Its checksums are the writer's own.
func (m *cutMachine) frame(kind FrameKind, ring int, payload []byte) {
	h := headerOf(kind, ring, payload)
	m.spool = append(append(m.spool, h[:]...), payload...)
}

func (m *cutMachine) snapshot() (out []byte) {
	le := binary.LittleEndian
	for _, t := range m.tasks {
		b := snapshotOf(t.tid, t.tid, 0, t.start, fmt.Sprint("task ", t.tid))
		le.PutUint64(b, m.now)
		b[9] = byte(snapshotTraced)
		if t.on {
			b[9] |= byte(snapshotOnCPU)
		}
		if t.queued || t.on {
			b[9] |= byte(snapshotQueued)
		} else {
			le.PutUint16(b[24:], 1)
		}
		le.PutUint16(b[10:], uint16(t.cpu))
		le.PutUint64(b[40:], t.nv)
		le.PutUint64(b[48:], t.niv)
		exec := t.exec
		if t.on {
			exec += m.now - t.in
		}
		le.PutUint64(b[56:], exec)
		out = append(out, b...)
	}
	return out
}

// record puts a record into a CPU's ring, or loses it.
func (m *cutMachine) record(cpu int, b []byte) {
	c := &m.cpus[cpu]
	if c.full {
		if c.lost.Count == 0 {
			c.lost = event.Lost{CPU: cpu, First: int64(m.now)}
		}
		c.lost.Last = int64(m.now)
		c.lost.Count++
		return
	}
	if c.lost.Count > 0 {
		c.ring = append(c.ring, ringRecord(kindLost, m.now, uint16(cpu), 0, m.lostOf(c)...)...)
		m.gaps = append(m.gaps, c.lost)
		c.lost = event.Lost{}
	}
	binary.LittleEndian.PutUint16(b[18:], uint16(cpu))
	c.ring = append(c.ring, b...)
	m.times = append(m.times, m.now)
}

func (m *cutMachine) lostOf(c *cutCPU) (b []byte) {
	for _, n := range []uint64{uint64(c.lost.First), uint64(c.lost.Last), c.lost.Count} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

func numberOf(t *cutTask) uint32 {
	if t == nil {
		return 0
	}
	return t.tid
}

// leave has a CPU go to the next task in its queue.
func (m *cutMachine) leave(cpu int, state uint16) {
	c := &m.cpus[cpu]
	prev := c.current
	var next *cutTask
	if len(c.queue) > 0 {
		next, c.queue = c.queue[0], c.queue[1:]
		next.queued, next.on, next.in, next.cpu = false, true, m.now, cpu
	}
	c.current = next
	flags := byte(event.FlagTaskTraced | event.FlagOtherTraced)
	var rest [16]byte
	le := binary.LittleEndian
	le.PutUint32(rest[0:], numberOf(next))
	le.PutUint16(rest[4:], state)
	rest[6], rest[7] = 120, 120
	if prev != nil {
		prev.on = false
		prev.exec += m.now - prev.in
		if state != 0 {
			flags |= byte(event.FlagVoluntary)
			prev.nv++
		} else {
			prev.niv++
			prev.queued = true
			c.queue = append(c.queue, prev)
		}
		le.PutUint16(rest[8:], uint16(prev.nv))
		le.PutUint16(rest[10:], uint16(prev.niv))
		le.PutUint32(rest[12:], uint32(prev.exec))
	}
	if next != nil {
		flags |= 1 << flagPageTable
	}
	b := ringRecord(kindSwitch, m.now, 0, numberOf(prev), rest[:]...)
	b[17] = flags
	m.record(cpu, b)
}

// wake has a CPU wake a task, to another CPU perhaps.
func (m *cutMachine) wake(cpu int, t *cutTask, kind recordKind) {
	le := binary.LittleEndian
	var rest [8]byte
	le.PutUint32(rest[0:], numberOf(m.cpus[cpu].current))
	le.PutUint16(rest[4:], uint16(t.cpu))
	rest[6] = 120
	b := ringRecord(kind, m.now, 0, t.tid, rest[:]...)
	if m.cpus[cpu].current == nil {
		b[17] = byte(event.FlagHardIRQ)
	}
	m.record(cpu, b)
	to := t.cpu
	if kind == kindWaking && m.rand.IntN(2) == 0 {
		to = m.rand.IntN(len(m.cpus))
	}
	if to != t.cpu {
		m.now++
		le.PutUint16(rest[4:], uint16(to))
		rest[6] = 0
		m.record(cpu, ringRecord(kindMigrate, m.now, 0, t.tid, rest[:]...))
		t.cpu = to
	}
	t.queued = true
	m.cpus[to].queue = append(m.cpus[to].queue, t)
}

func (m *cutMachine) sleeper() *cutTask {
	var list []*cutTask
	for _, t := range m.tasks {
		if !t.on && !t.queued {
			list = append(list, t)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[m.rand.IntN(len(list))]
}

// step lets something happen on one of the CPUs.
func (m *cutMachine) step() {
	m.now += 1 + m.rand.Uint64N(2000)
	cpu := m.rand.IntN(len(m.cpus))
	c := &m.cpus[cpu]
	if len(m.dead) > 0 && m.rand.IntN(8) == 0 {
		t := m.dead[0]
		m.dead = m.dead[1:]
		m.record(cpu, freedOf(m.now, t.tid, t.start))
		return
	}
	what := m.rand.IntN(100)
	switch {
	case c.current == nil && len(c.queue) > 0:
		m.leave(cpu, 0)
	case c.current == nil || what < 30:
		if t := m.sleeper(); t != nil {
			m.wake(cpu, t, kindWaking)
		}
	case what < 70:
		m.leave(cpu, 1)
	case what < 85:
		if len(c.queue) > 0 {
			m.leave(cpu, 0)
		}
	case what < 92:
		m.tid++
		t := &cutTask{tid: m.tid, start: m.now, cpu: m.rand.IntN(len(m.cpus))}
		m.tasks = append(m.tasks, t)
		m.record(cpu, identityOf(kindNew, m.now, flagAdopted, t.tid, t.tid, c.current.tid, 0, 0,
			t.start, "made"))
		m.now++
		m.wake(cpu, t, kindWakeNew)
	case len(m.tasks) > 2*len(m.cpus):
		t := c.current
		var start [8]byte
		binary.LittleEndian.PutUint64(start[:], t.start)
		m.record(cpu, ringRecord(kindExit, m.now, 0, t.tid, start[:]...))
		m.now += 10
		m.leave(cpu, 0x80)
		m.tasks = slices.DeleteFunc(m.tasks, func(x *cutTask) bool { return x == t })
		m.dead = append(m.dead, t)
	}
}

// drain is what Recorder.drain does, with the machine going on meanwhile: whole says that no record
// was in the making.
func (m *cutMachine) drain(whole bool) {
	known := m.now
	var missing []byte
	for i := range m.cpus {
		if c := &m.cpus[i]; c.lost.Count > 0 {
			missing = append(missing,
				ringRecord(kindLost, m.now, uint16(i), 0, m.lostOf(c)...)[8:]...)
			m.gaps = append(m.gaps, c.lost)
		}
	}
	for i := range m.cpus {
		if c := &m.cpus[i]; len(c.ring) > 0 {
			m.frame(FrameRing, i, c.ring)
			c.ring = nil
		}
		for range m.rand.IntN(20) {
			m.step()
		}
	}
	if !whole || m.version < 3 {
		return
	}
	if missing != nil {
		m.frame(FrameMissing, 0, missing)
	}
	m.frame(FrameKnown, 0, binary.LittleEndian.AppendUint64(nil, known))
	m.marks = append(m.marks, cutMark{len(m.spool), known})
}

// run records for a while, and kills the recorder.
func (m *cutMachine) run(passes int, lossy bool) {
	for pass := range passes {
		for range 10 + m.rand.IntN(60) {
			m.step()
		}
		if lossy {
			c := &m.cpus[m.rand.IntN(len(m.cpus))]
			c.full = !c.full
		}
		m.drain(pass%4 != 3)
	}
}

// cuts are the places at which a spool may end: in each frame, and between any two.
func (m *cutMachine) cuts() (list []int) {
	for at := 0; at < len(m.spool); {
		size := frameHeader + int(binary.LittleEndian.Uint64(m.spool[at+8:]))
		list = append(list, at, at+size/2, at+size-1)
		at += size
	}
	return append(list, len(m.spool))
}

// failures reads what is left of a spool that ends at a place, and returns the checks that fail.
func (m *cutMachine) failures(t *testing.T, at int) (failed []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spool")
	if err := os.WriteFile(path, m.spool[:at], 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		if at > 1000 {
			t.Errorf("%d of %d bytes: %v", at, len(m.spool), err)
		}
		return nil
	}
	defer r.Close()
	var known uint64
	for _, mark := range m.marks {
		if mark.at <= at {
			known = mark.known
		}
	}
	w := r.Window()
	if m.version >= 3 {
		if r.Opens() != (known > uint64(w.Open) && w.Open > 0) {
			t.Errorf("%d bytes: it has a window: %v, and is known up to %d", at, r.Opens(), known)
		}
		if !r.Opens() {
			return nil
		}
		if uint64(w.Close) != known {
			t.Errorf("%d bytes: the window ends at %d, want %d", at, w.Close, known)
		}
	} else if !r.Opens() {
		return nil
	}
	a := sched.NewAnalysis(w, sched.Options{All: true, CPUs: len(m.cpus)})
	for _, s := range r.Opened() {
		a.Start(&s)
	}
	for _, l := range r.Lost() {
		a.Lost(l)
	}
	var got []uint64
	if err := r.Events(func(e *event.Event) error {
		got = append(got, uint64(e.Time))
		a.Event(e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(r.Closed()) > 0 {
		t.Errorf("%d bytes: there is a second snapshot", at)
	}
	a.Tasks(r.Tasks())
	for _, c := range a.Result().Checks {
		if c.Status == event.Fail {
			failed = append(failed, c.Name+": "+c.Reason)
		}
	}
	if cut := r.Cut(); !strings.Contains(cut, "it ends where") && m.version >= 3 {
		t.Errorf("%d bytes: it does not say that it was cut off: %q", at, cut)
	}
	if m.version >= 3 {
		n, _ := slices.BinarySearch(m.times, known+1)
		if !slices.Equal(got, m.times[:n]) {
			t.Errorf("%d bytes: %d events up to %d, want %d", at, len(got), known, n)
		}
		for _, gap := range m.gaps {
			if uint64(gap.First) <= known &&
				!slices.ContainsFunc(r.Lost(), func(l event.Lost) bool {
					return l.CPU == gap.CPU && l.First == gap.First
				}) {
				t.Errorf("%d bytes: nothing is said of %+v", at, gap)
			}
		}
	}
	return failed
}

// Wherever a recording is cut off, what is left of it is complete, and its checks pass; it says
// that it was cut off. Without the marks of version 3, some would fail: one CPU's events end before
// another's.
func TestRecordingCutAnywhere(t *testing.T) {
	for seed := range uint64(6) {
		m := newCutMachine(seed, 1+int(seed)%4, 3)
		m.run(20, false)
		for _, at := range m.cuts() {
			if failed := m.failures(t, at); len(failed) > 0 {
				t.Errorf("seed %d, cut at %d of %d: %v", seed, at, len(m.spool), failed)
			}
		}
	}
	old := newCutMachine(3, 4, 2)
	old.run(20, false)
	failures := 0
	for _, at := range old.cuts() {
		failures += len(old.failures(t, at))
	}
	if failures == 0 {
		t.Error("no check fails without the marks: this test does not see what they are for")
	}
}

// Of losses up to there it tells all, those too of which the rings have not told yet.
func TestRecordingCutLossy(t *testing.T) {
	for seed := range uint64(6) {
		m := newCutMachine(seed, 1+int(seed)%4, 3)
		m.run(30, true)
		if len(m.gaps) == 0 {
			t.Error("nothing was lost")
		}
		for _, at := range m.cuts() {
			m.failures(t, at)
		}
	}
}
