package load

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// raiseFileLimit makes room for n more descriptors: the soft limit is raised
// as far as the hard one. RLIMIT_NOFILE belongs to the process and stays
// raised.
func raiseFileLimit(n int) error {
	open := 16
	if es, err := os.ReadDir("/proc/self/fd"); err == nil {
		open = len(es)
	}
	const spare = 16
	need := uint64(n + open + spare)
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("read the limit on open files: %w", os.NewSyscallError("getrlimit", err))
	}
	if l.Cur >= need {
		return nil
	}
	if l.Max < need {
		return usagef("%d connections need %d file descriptors and the hard limit is %d: use fewer clients or idle connections, or raise it (ulimit -Hn %d as root, LimitNOFILE= in a unit)", n, need, l.Max, need)
	}
	// The whole way: the program that embeds this opens files too.
	l.Cur = l.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("raise the limit on open files to %d: %w", l.Cur, os.NewSyscallError("setrlimit", err))
	}
	return nil
}
