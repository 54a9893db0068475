// Package fork holds the designs that serve connections in processes of their own, one file each: a
// process for each connection (fork/per-conn, fork/exec), and pools of processes made in advance
// (fork/prefork, fork/prefork-flock, fork/prefork-futex, fork/fd-pass, fork/reuseport). Importing
// it registers them.
//
// The children are true forks: clone(2) with SIGCHLD, copy-on-write, no exec. Behind such a child
// there is no Go runtime, only the thread that forked, so it runs a few nosplit functions (child.go
// and the loop in each design's file) that use raw system calls and memory mapped before the fork.
// They allocate nothing, store no pointer and grow no stack.
//
// A child writes to its socket with sendto(2) and MSG_NOSIGNAL, not write(2): a client that has
// gone would otherwise send it SIGPIPE. It has every signal blocked but the one that its parent
// interrupts it with, so what ends a child from outside is SIGKILL. It dies with the thread that
// forked it (prctl(2), PR_SET_PDEATHSIG), which is the server's own and lives as long as the
// server.
//
// A program whose servers use fork/exec must call [Child] first thing in main: it is started anew
// for each connection, unless switchyard-child stands beside it. That is a program of its own
// because what fork/exec costs is mostly the start of what is executed: the size of the file that
// is mapped, and what its packages do before main. The small program keeps the large one's
// libraries out of that.
//
// These designs cannot run in a program that was built with the race detector or without inlining
// (-gcflags=all=-l): both put calls into the runtime where a forked child must not go. Their Have
// functions say so. Without optimisation (-gcflags=all=-N) not even the handler fits into the stack
// that the linker allows a chain of nosplit functions, and nothing that imports this package links:
// name the packages to be debugged instead of all.
package fork
