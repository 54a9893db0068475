// Package threads holds the designs in which one process serves many clients with threads: one
// thread for all in turn, one for each client, pools that share a listener in three ways, and Go's
// own goroutines. Importing the package registers them.
//
// All but threads/goroutine use locked operating-system threads that block in the kernel, in
// accept(2), read(2), write(2), nanosleep(2) and futex(2), never on a channel or a Go mutex: they
// are what a C program of the same design is, and what a tracer sees of them is the design and not
// the Go scheduler. A server of any of them dies whole when one connection crashes it.
//
// A server's threads name themselves: sy-accept accepts, sy-work/3 is the fourth worker of a pool,
// sy-conn serves one connection.
package threads
