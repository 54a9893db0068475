package testenv

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
)

// LimitTasks leaves this process room for n threads that it may make, and the reserve. Root is not
// held to the limit, so it becomes somebody else.
func LimitTasks(n int) error {
	if os.Getuid() == 0 {
		const nobodyElse = 61_913
		if err := syscall.Setgid(nobodyElse); err != nil {
			return err
		}
		if err := syscall.Setuid(nobodyElse); err != nil {
			return err
		}
	}
	limit := uint64(proc.UserTasks(os.Getuid()) + proc.TaskReserve + n)
	return unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: limit, Max: limit})
}
