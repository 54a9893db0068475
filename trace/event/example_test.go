package event_test

import (
	"fmt"
	"time"

	"switchyard/trace/event"
)

// Who took the CPU from whom, from events in the order of time, as a recording has them. No
// privilege is needed.
func Example() {
	const us = int64(time.Microsecond)
	tasks := []event.Task{{TID: 100, Name: "server"}, {TID: 200, Name: "batch"}}
	events := []event.Event{
		{Time: 10 * us, Kind: event.Waking, Task: 0, Other: 1, CPU: 3},
		{Time: 12 * us, Kind: event.Switch, Task: 1, Other: 0, CPU: 3},
		{Time: 40 * us, Kind: event.Switch, Task: 0, Other: event.Idle(3), CPU: 3,
			State: event.StateInterruptible, Flags: event.FlagVoluntary},
	}
	name := func(t event.TaskID) string {
		if t.Idle() {
			return "nobody"
		}
		return tasks[t].Name
	}
	var switches event.Switches
	for _, e := range events {
		at := time.Duration(e.Time)
		switch {
		case e.Kind == event.Waking:
			fmt.Printf("%v: %s is woken by %s\n", at, name(e.Task), name(e.Other))
		case e.Flags&event.FlagVoluntary != 0:
			switches.Voluntary++
			fmt.Printf("%v: %s leaves CPU %d to %s\n", at, name(e.Task), e.CPU, name(e.Other))
		default:
			switches.Involuntary++
			fmt.Printf("%v: %s loses CPU %d to %s\n", at, name(e.Task), e.CPU, name(e.Other))
		}
	}
	fmt.Println(switches.Total(), "switches,", switches.Voluntary, "of them voluntary")
	// Output:
	// 10µs: server is woken by batch
	// 12µs: batch loses CPU 3 to server
	// 40µs: server leaves CPU 3 to nobody
	// 2 switches, 1 of them voluntary
}

// What was counted, against the kernel's own number of the same.
func ExampleEqual() {
	for _, kernel := range []uint64{1009, 1010} {
		c := event.Equal("nvcsw", 1009, kernel)
		fmt.Printf("%s: %d and the kernel's %d: %s\n", c.Name, c.Traced, c.Kernel, c.Status)
	}
	// Output:
	// nvcsw: 1009 and the kernel's 1009: pass
	// nvcsw: 1009 and the kernel's 1010: fail
}
