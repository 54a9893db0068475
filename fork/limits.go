package fork

import "syscall"

// isShortage tells errors of clone(2), and of what is made for a child before it, that mean a limit
// has been reached, on descriptors, memory or tasks, which passes when something ends.
func isShortage(e syscall.Errno) bool {
	return e == syscall.EMFILE || e == syscall.ENFILE || e == syscall.ENOBUFS ||
		e == syscall.ENOMEM || e == syscall.EAGAIN
}
