// Package sched turns scheduling events into what they mean: how long each task ran, waited and slept, who delayed whom,
// and what each CPU did. It is pure: events in, values out, no kernel and no files.
//
// An [Event] is what one tracepoint said. Events come in the order of time, those of all CPUs merged. A [Task] is one
// life of a kernel task: a TID that is used again is another Task. A [Snapshot] is what the kernel's own books say of a
// task at one of the window's ends. A [Lost] interval is one in which a CPU's events could not be recorded.
package sched
