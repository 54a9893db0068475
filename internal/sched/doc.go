// Package sched turns scheduling events into what they mean: how long each task ran, waited and
// slept, who delayed whom, and what each CPU did. It is pure: events in, values out, no kernel and
// no files.
//
// Package event says what goes in: events in the order of time, tasks, what the kernel's own books
// say of them at the window's ends, and the intervals in which events were lost.
//
// An [Analysis] takes them and gives a [Result]. What it says it knows, it has seen:
//
//   - A task's life is cut into periods, from one switch away from it to the next. Each such event
//     has the task's own counters, nvcsw and nivcsw: if switches in between are missing, what the
//     period was made of is Unknown, but for the time on a CPU, which sum_exec_runtime tells
//     (Inferred).
//   - An interval whose beginning or end is not in the window counts with what is inside, is
//     Censored, and in no distribution.
//   - An interval during which a CPU lost events that could have cut it short is kept, and Touched:
//     for a task on a CPU that CPU, for one that sleeps or waits any. Queues are not known while
//     anything is lost.
//   - A CPU that is offline does nothing that is seen, and of the task that was on it when it went
//     (its stopper, migration/N) it is not known what it did until it is seen again. The checks
//     leave that task out by name, and the CPU for that time.
//   - The idle task is never timed, woken or preempted.
//   - The kernel can keep tasks from tracing: of these only the switches to them are shown. They
//     are counted (Hidden) and in no other result.
//
// # States of a task
//
// What an event makes of a task's state. An entry in parentheses counts and changes nothing;
// "strange" is an event that cannot be, counted in Result.Strange.
//
//	event                  unmet    unknown  fresh      ready      running    blocked  gone
//	the opening snapshot   what it says: ready, running, blocked, gone. Of a task that events have
//	                       told of already, it is compared with what they told
//	New (made)             fresh    strange  strange    strange    strange    strange  strange
//	WakeNew                ready    ready    ready      strange    strange    strange  strange
//	Waking                 ready    ready    (spurious) (spurious) (spurious) ready    strange
//	Switch to it           running  running  running    running    (twice)    running  strange
//	Switch away:
//	  voluntary            blocked; ready, if a signal kept it runnable                strange
//	  involuntary          ready                                                       strange
//	  its last             gone                                                        strange
//	Free                   unmet    gone     gone       gone       gone       gone     gone
//
// Each switch away ends a period and begins the next, from whatever state: that a switch to the
// task is missing shows in the period, not in the state. The kernel's counters in the event say
// whether switches are missing in between.
//
// Marks on a period say what is not yet known of it, and each is settled at the period's end:
//
//	early    A waking came while the task was on a CPU, or queued. It is counted as spurious. If the
//	         task then blocks and comes back without another waking, that one ended its sleep: it is
//	         counted as early instead, and the sleep was none. If the snapshot of the closing finds
//	         the task awake, the same; but if events were lost meanwhile, the sleep is Touched.
//	twice    The task came to a CPU while it was on another. If it then leaves the other CPU, the
//	         two clocks disagree: a NegativeInterval. If not, the period is in doubt.
//	doubt    What was seen in the period cannot all be. The period is murky.
//	murky    No mark, but what becomes of a period with missing or contradictory switches: the time
//	         that sum_exec_runtime tells is OnCPU (Inferred), the rest is Unknown, and nothing of
//	         it is in a distribution.
//	halfway  The task lost the CPU on its way to sleep: the kernel keeps no run_delay for the wait
//	         that follows.
//	ahead    Events of the task came before its snapshot of the opening, whose time has not come.
//	         When it has, what events have told stands, unless they have not told what the task
//	         does, or some were lost.
package sched
