package sys

// Wait is how a thread waits in the kernel, as far as the Go scheduler is concerned.
type Wait bool

const (
	// LetGo gives the Go scheduler the processor for as long as it takes (syscall.Syscall6). Every
	// wait that may be long must do this, or a garbage collection does not end.
	LetGo Wait = false
	// Hold keeps it (syscall.RawSyscall6), for waits of a few milliseconds at most. It saves more
	// than the scheduler's entry and exit. A processor that is let go of is taken away by the
	// runtime's monitor thread (sysmon) after 20 µs; taking it back wakes the monitor, which then
	// looks every 20 µs again. A server whose waits are a little longer than that pays for two
	// threads: with one CPU for both, 5 % of it and a thousand switches a second.
	//
	// A garbage collection that begins meanwhile interrupts the call with a signal, and it returns
	// EINTR: of these calls none is restarted after a signal handler (signal(7)).
	Hold Wait = true
)
