package spool

import (
	"encoding/binary"

	"switchyard/trace/event"
)

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
