package load

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
)

// fileLimit returns how many descriptors there must be for n more of them, and the limit, or an
// error if there cannot be so many.
func fileLimit(n int) (need uint64, l unix.Rlimit, err error) {
	open := 16
	if n, err := proc.Here.OpenFiles(); err == nil {
		open = n
	}
	const spare = 16
	need = uint64(n + open + spare)
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return need, l, fmt.Errorf("read the limit on open files: %w",
			os.NewSyscallError("getrlimit", err))
	}
	if l.Max < need {
		return need, l, usagef("%d connections need %d file descriptors and the hard limit is %d: use fewer clients or idle connections, or raise it (ulimit -Hn %d as root, LimitNOFILE= in a unit)",
			n, need, l.Max, need)
	}
	return need, l, nil
}

// raiseFileLimit makes room for n more descriptors: the soft limit is raised as far as the hard
// one. RLIMIT_NOFILE belongs to the process and stays raised.
func raiseFileLimit(n int) error {
	need, l, err := fileLimit(n)
	if err != nil || l.Cur >= need {
		return err
	}
	// The whole way: the program that embeds this opens files too.
	l.Cur = l.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("raise the limit on open files to %d: %w", l.Cur,
			os.NewSyscallError("setrlimit", err))
	}
	return nil
}
