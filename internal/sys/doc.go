// Package sys holds the raw system calls Switchyard is built on: sockets, blocking and non-blocking
// input and output, fork, futexes, shared memory and thread names. It is the only home of unsafe in
// the module (package fork's child code excepted), and every wrapper says which manual page it
// wraps.
//
// Three ways to call the kernel live here, and the difference matters (see
// docs/go-and-the-kernel.md):
//
//   - Blocking calls (Read, Accept, FutexWait, …) go through syscall.Syscall,
//     which lets the Go scheduler hand the processor on. A locked thread that
//     waits in the kernel must use these, or a garbage collection never ends.
//   - Calls named Raw… go through syscall.RawSyscall: nosplit, no scheduler,
//     for descriptors that do not block, and for a forked child that has no Go
//     runtime behind it.
//   - Everything that is done once (binding a socket, say) uses
//     golang.org/x/sys/unix and returns ordinary errors.
//
// The first two return a syscall.Errno, zero for success, so that a hot path never converts to an
// interface.
package sys
