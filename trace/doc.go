// Package trace captures what the scheduler does to a process and all its descendants, or to every
// task of the machine, by eBPF programs on the kernel's tracepoints. It has two depths:
//
// A [Session] counts: switches by kind, wake-ups, migrations, time on the CPU, blocked and waiting
// for it with their distributions, forks, threads, execs, exits, system calls by name, page faults,
// TLB flushes at switches. Everything is summed inside the kernel, where it happens: no event is
// sent anywhere and nobody is woken up. [Session.Follow] names a process; what happens between
// [Session.Start] and [Session.Stop] is a window, and its [Counts] is what one gets; [Session.Read]
// has them while it is open.
//
// A [Recorder] writes every event of its one window to a file, through a ring for each CPU: who
// took the CPU from whom, who woke whom, and when. Package spool reads that file, anywhere and
// without a privilege. What events mean is in package event.
//
// The rest is of the first depth, unless it says otherwise.
//
// # What is counted where
//
// A switch away from a traced task is voluntary or involuntary by the kernel's own rule; a switch
// into one loaded another page table, came from a task with the same, or found its own still
// loaded; a switch away from one to a task without a page table is lazy. [event.Switches] has the
// details. Idle tasks, and tasks that are not followed, are never counted, whatever they do in
// between. The tracer itself is left out unless it follows itself. Everything else belongs to the
// task it is about: a wake-up to the one that is woken, a fork to the parent.
//
// # How it knows
//
// At both ends of a window a task iterator reads, for each task, our counts and the kernel's own
// books together, and again until they stand still; a task that ends is read at its last switch.
// [Counts.Checks] compares: voluntary and involuntary switches must equal the change of nvcsw and
// nivcsw, for each task; and so on. Intervals that began before the window are clipped to it and
// are in no histogram.
//
// # What it costs
//
// On a virtual machine with an EPYC CPU and retpolines, per switch of a pinned ping-pong over pipes
// (2.3 µs with its write, read and wake-up): 0.3 µs for the scheduler's probes, 0.14 µs for tlb.
// Per system call: 0.09 µs. Of each, about 0.1 µs is the kernel's way to a program, however small.
// Tasks that are not traced pay the way, too. BenchmarkCost measures it. See [Session.Detail] for
// how not to pay.
//
// # What it needs
//
// CAP_BPF and CAP_PERFMON, or root, to open a session (Linux 5.8; before 5.11 CAP_SYS_RESOURCE or a
// high RLIMIT_MEMLOCK, too); nothing afterwards (5.19). A kernel that describes its types
// (CONFIG_DEBUG_INFO_BTF), 5.10 or later: make test-kernels runs the tests on 5.10, 6.1, 6.12 and
// 7.x. What the kernel can do is asked of it, not read off its version: see [Probes]. A probe that
// cannot be had leaves columns empty, and [Counts.Missing] says why.
package trace
