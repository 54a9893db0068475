// Package event is what a recording is made of: scheduling events, the tasks they are about, and what the kernel's own
// books say of those. It has values and no behaviour, so that whoever analyses a recording needs nothing else of the
// tracer.
//
// An [Event] is what one tracepoint said. Events come in the order of time, those of all CPUs merged. A [Task] is one
// life of a kernel task: a TID that is used again is another Task. A [Snapshot] is what the kernel's own books say of a
// task at one of the window's ends. A [Lost] interval is one in which a CPU's events could not be recorded.
package event
