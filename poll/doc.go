// Package poll registers the multiplexed server designs: one thread, or one for each CPU, serves
// every connection of its own and blocks in one system call that waits for all of them.
//
//	poll/select           select
//	poll/poll             poll
//	poll/epoll            epoll, level-triggered, one loop
//	poll/epoll-et         epoll, edge-triggered, one loop
//	poll/epoll-exclusive  several loops on one listener, EPOLLEXCLUSIVE
//	poll/epoll-reuseport  one loop per CPU, a listener each
//	poll/io_uring         completions: multishot accept and receive, provided buffers
//
// Each model's file is about its own system call. What the first six share is beside them:
// server.go starts and stops the loops, turn.go says how long one waits and what follows (for
// io_uring too), loop.go waits, accepts, pauses and drains, serve.go is what happens to one
// connection. A readiness design is told that a descriptor may be read and then reads it; io_uring
// is told what has been read, so it has a loop of its own (uring_loop.go).
//
// A loop is one locked OS thread, named sy-loop/N. It blocks in the waiting call alone, through
// syscall.Syscall6, so that Go can collect garbage meanwhile. All else is raw calls on descriptors
// that do not block. A loop that is served /sleep or /work stands still for all its connections:
// that is the property of these designs that others are compared with.
//
// A process that also forks without exec (package fork) should not do so while one of these servers
// runs: the child's copies keep connections open that the loop has closed.
package poll
