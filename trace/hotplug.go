package trace

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"switchyard/internal/proc"
	"switchyard/trace/event"
)

// sinceBefore stands in struct offline for a CPU that was offline before its probe was there.
const sinceBefore = 1

// noteOffline tells the probe of CPUs, which has just been attached, which of them are offline. All
// are taken to be online where the kernel does not say.
func (o *objects) noteOffline(parts []part) error {
	for _, p := range parts {
		m := p.coll.Maps[bpfMapOfflineCpus]
		if m == nil || !p.always {
			continue
		}
		for {
			online, err := proc.Here.Online()
			if err != nil {
				return nil
			}
			for cpu := range m.MaxEntries() {
				var c bpfOffline
				if !slices.Contains(online, int(cpu)) {
					c.Since = sinceBefore
				}
				if err := m.Put(cpu, &c); err != nil {
					return err
				}
			}
			// Again, if one has gone or come meanwhile, and the probe has said so before.
			if after, err := proc.Here.Online(); err != nil || slices.Equal(after, online) {
				break
			}
		}
	}
	return nil
}

// stranded is the task that was on a CPU when it went offline, and what is not known of it:
// switches that the kernel counted and nobody saw, and time.
type stranded struct {
	task                   TaskTotals // who it is
	voluntary, involuntary uint64
	unknown                time.Duration
}

// readOffline adds to the counts of a window of that length when CPUs were offline in it, and who
// was on them.
func (s *Session) readOffline(c *Counts, began time.Duration) ([]stranded, error) {
	m := s.objs.base.Maps[bpfMapOfflineCpus]
	var list []stranded
	for cpu := range m.MaxEntries() {
		var o bpfOffline
		if err := m.Lookup(cpu, &o); err != nil {
			return nil, err
		}
		if o.Epoch == s.epoch {
			n := min(o.Times, uint32(len(o.Spans)))
			for _, v := range o.Spans[:n] {
				c.absent(int(cpu), time.Duration(v.From)-began, time.Duration(v.To)-began)
			}
			if n < o.Times {
				c.Missing["offline"] = fmt.Sprintf("CPU %d was offline %d times, and only of the first %d is it known when",
					cpu, o.Times, n)
			}
			if o.Start > 0 {
				name, _, _ := bytes.Cut(o.Comm[:], []byte{0})
				list = append(list, stranded{
					task: TaskTotals{TID: int(o.Tid), TGID: int(o.Tgid), Name: string(name),
						Started: time.Duration(o.Start)},
					voluntary: o.Voluntary, involuntary: o.Involuntary,
					unknown: time.Duration(o.Unknown),
				})
			}
		}
		if o.Since > 0 {
			c.absent(int(cpu), time.Duration(o.Since)-began, c.Window)
		}
	}
	slices.SortStableFunc(c.Offline, func(a, b event.Absence) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.CPU, b.CPU))
	})
	return list, nil
}

// absent notes that a CPU was offline, but for one that was all the time.
func (c *Counts) absent(cpu int, from, to time.Duration) {
	from, to = max(from, 0), min(to, c.Window)
	if from < to && to-from < c.Window {
		c.Offline = append(c.Offline, event.Absence{CPU: cpu, From: int64(from), To: int64(to)})
	}
}

// findStranded returns what is not known of a task, if it was on a CPU that went offline.
func findStranded(list []stranded, t *TaskTotals) stranded {
	for i := range list {
		if k := &list[i].task; k.TID == t.TID && k.Started == t.Started {
			return list[i]
		}
	}
	return stranded{}
}

// strandedNote says in a check which tasks it leaves out, for as long as nothing is known of them.
func strandedNote(k *event.Check, list []stranded) {
	if len(list) == 0 {
		return
	}
	var names []string
	for i := range list {
		names = append(names, fmt.Sprintf("task %d (%s)", list[i].task.TID, list[i].task.Name))
	}
	note := "1 task"
	if n := len(list); n > 1 {
		note = fmt.Sprintf("%d tasks", n)
	}
	note += " left out while a CPU was offline that it was on: " + strings.Join(names, ", ")
	if k.Reason != "" {
		k.Reason += "; "
	}
	k.Reason += note
}
