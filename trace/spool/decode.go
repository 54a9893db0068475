package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"switchyard/trace/event"
)

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
