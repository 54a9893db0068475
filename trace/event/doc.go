// Package event has the nouns that the tracer, the analysis and the reports share, each declared
// once: scheduling events, the tasks they are about, what the kernel's own books say of those, and
// what every result is made of. It loads nothing into the kernel and reads nothing, so that whoever
// analyses a recording needs nothing else of the tracer.
//
// An [Event] is what one tracepoint said. Events come in the order of time, those of all CPUs
// merged. A [Task] is one life of a kernel task: a TID that is used again is another Task. A
// [Snapshot] is what the kernel's own books say of a task at one of the window's ends. A [Lost]
// interval is one in which a CPU's events could not be recorded.
//
// [Switches] count what tasks did, [Throttling] what limits on CPU bandwidth did to them, a [Loss]
// what was not counted. A [Check] compares a result with the kernel's own books.
//
// Times are in ns, of CLOCK_BOOTTIME, unless a comment says otherwise.
package event
