package sched

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"switchyard/trace/event"
)

// stray makes of bytes what no kernel would say: events, snapshots, lost intervals, in any order,
// about anything. 16 bytes make one, so that a fuzzer can move them about.
func stray(a *Analysis, data []byte) {
	now := int64(1000)
	for len(data) >= 16 {
		b := data[:16]
		data = data[16:]
		id := func(v byte) event.TaskID {
			switch {
			case v == 255:
				return event.NoTask
			case v == 254:
				return 1 << 30
			case v >= 240:
				return event.Idle(int(v - 240))
			}
			return event.TaskID(v % 16)
		}
		step := int64(int16(binary.LittleEndian.Uint16(b[2:])))
		if b[0]&0x80 != 0 {
			step <<= b[1] % 48
		}
		now += step
		kind := b[0] & 0x1f
		switch {
		case kind <= 17:
			a.Event(&event.Event{Kind: event.Kind(kind), Time: now, Flags: event.Flags(b[1]),
				Task: id(b[4]), Other: id(b[5]), CPU: uint16(b[6] % 5),
				State: binary.LittleEndian.Uint16(b[7:]), NVCSW: uint16(b[9]),
				NIVCSW: uint16(b[10]),
				Value:  int64(int32(binary.LittleEndian.Uint32(b[11:]))), Prio: b[15],
				OtherPrio: b[15]})
		case kind <= 20:
			a.Start(&event.Snapshot{Time: now, Task: id(b[4]), CPU: uint16(b[6]),
				Activity: event.Activity(b[7]), NVCSW: uint64(b[9]), NIVCSW: uint64(b[10]),
				State: uint16(b[8]), HasRunDelay: b[15]&1 != 0,
				RunDelay: uint64(b[11]) << (b[12] % 64)})
		case kind <= 24:
			a.End(&event.Snapshot{Time: now, Task: id(b[4]), CPU: uint16(b[6]),
				Activity: event.Activity(b[7]), NVCSW: uint64(b[9]), NIVCSW: uint64(b[10]),
				HasRunDelay: b[15]&1 != 0, RunDelay: uint64(b[11]) << (b[12] % 64)})
		case kind <= 25:
			a.Last(&event.Snapshot{Time: now, Task: id(b[4]), HasRunDelay: b[15]&1 != 0,
				RunDelay: uint64(b[11]) << (b[12] % 64)})
		case kind <= 26:
			a.Lost(event.Lost{CPU: int(int8(b[6])), First: now, Last: now + step,
				Count: uint64(b[9])})
		}
	}
}

// FuzzAnalysis: nothing makes it panic or run away, and whatever comes, each task's time and each
// CPU's add up.
func FuzzAnalysis(f *testing.F) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 30 {
		data := make([]byte, 16*(1+rnd.IntN(400)))
		for i := range data {
			data[i] = byte(rnd.Uint32())
		}
		for i := 0; i < len(data); i += 16 {
			data[i] &= 0x1f
			if rnd.IntN(3) > 0 {
				data[i] = byte(event.Switch) + byte(rnd.IntN(2))
			}
			data[i+3] = 0
			data[i+4] = byte(rnd.IntN(6))
			data[i+5] = byte(rnd.IntN(6))
		}
		f.Add(data, int64(2000+rnd.IntN(2)), int64(30000), rnd.IntN(2) == 0)
	}
	f.Fuzz(func(t *testing.T, data []byte, open, end int64, all bool) {
		o := Options{All: all, CPUs: 3, MaxTasks: 1000, MaxPairs: 64, Interval: func(v *Interval) {
			if v.To < v.From {
				t.Errorf("an interval that ends before it begins: %+v", *v)
			}
		}}
		if open%2 == 1 {
			o.Online = []int{0, 2}
		}
		a := NewAnalysis(event.Window{Open: open, Close: end}, o)
		stray(a, data)
		r := a.Result()
		for i := range r.Tasks {
			w := &r.Tasks[i].Totals
			if w.OnCPU+w.Blocked+w.RunQueue+w.Unknown != w.Life {
				t.Errorf("task %d does not add up: %+v", r.Tasks[i].ID, *w)
			}
			if w.OnCPU < 0 || w.Blocked < 0 || w.RunQueue < 0 || w.Unknown < 0 {
				t.Errorf("task %d: less than nothing: %+v", r.Tasks[i].ID, *w)
			}
			if n := r.Tasks[i].OnCPUSpan.Count(); n > w.Switches.Voluntary+w.Switches.Involuntary {
				t.Errorf("task %d: %d spans of %d switches", r.Tasks[i].ID, n, w.Switches.Voluntary+
					w.Switches.Involuntary)
			}
		}
		for _, c := range r.CPUs {
			window := r.Window.Close - r.Window.Open
			if c.Busy+c.Idle+c.Unknown+c.Offline != dur(window) {
				t.Errorf("CPU does not add up: %+v", c)
			}
			var n int64
			for _, d := range c.Queue.Time {
				n += int64(d)
			}
			// Others may put somebody on its queue after the last that was heard of it.
			if n += int64(c.Queue.Unknown); n > window || n+int64(c.Offline) < window {
				t.Errorf("CPU's queue does not add up: %+v", c)
			}
		}
		if again := a.Result(); again != r {
			t.Error("another Result")
		}
		a.Event(&event.Event{Kind: event.Switch, Time: 5000})
	})
}
