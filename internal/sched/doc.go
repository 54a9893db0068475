// Package sched turns scheduling events into what they mean: how long each task ran, waited and slept, who delayed whom,
// and what each CPU did. It is pure: events in, values out, no kernel and no files.
//
// An [Event] is what one tracepoint said. Events come in the order of time, those of all CPUs merged. A [Task] is one
// life of a kernel task: a TID that is used again is another Task. A [Snapshot] is what the kernel's own books say of a
// task at one of the window's ends. A [Lost] interval is one in which a CPU's events could not be recorded.
//
// An [Analysis] takes them and gives a [Result]. What it says it knows, it has seen:
//
//   - A task's life is cut into periods, from one switch away from it to the next. Each such event has the task's own
//     counters, nvcsw and nivcsw: if switches in between are missing, what the period was made of is Unknown, but for the
//     time on a CPU, which sum_exec_runtime tells (Inferred).
//   - An interval whose beginning or end is not in the window counts with what is inside, is Censored, and in no
//     distribution.
//   - An interval during which a CPU lost events that could have cut it short is kept, and Touched: for a task on a CPU
//     that CPU, for one that sleeps or waits any. Queues are not known while anything is lost.
//   - The idle task is never timed, woken or preempted.
//   - The kernel can keep tasks from tracing: of these only the switches to them are shown. They are counted (Hidden) and
//     in no other result.
package sched
