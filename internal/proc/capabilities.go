package proc

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Capabilities is the set that a thread acts with (capabilities(7)), by bits.
type Capabilities uint64

// Has reports whether the one of that number, unix.CAP_BPF for example, is in the set.
func (c Capabilities) Has(n int) bool { return c&(1<<n) != 0 }

// Trace reports whether BPF programs that read the kernel's memory may be loaded: with CAP_BPF and
// CAP_PERFMON (since Linux 5.8). CAP_SYS_ADMIN stands for both.
func (c Capabilities) Trace() bool {
	return c.Has(unix.CAP_SYS_ADMIN) || c.Has(unix.CAP_BPF) && c.Has(unix.CAP_PERFMON)
}

// Capabilities returns those of the calling thread.
func (f Files) Capabilities() (Capabilities, error) {
	const file = "/proc/thread-self/status"
	s, err := f.Field(file, "CapEff")
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: CapEff: %q is not a number", file, s)
	}
	return Capabilities(n), nil
}

// FirstUserNamespace reports whether this process is in the first user namespace, the only one in
// which capabilities count for the whole machine (user_namespaces(7)). Its number is the same on
// every kernel (PROC_USER_INIT_INO, since Linux 3.8). Where that cannot be read it is told by the
// map of user IDs, which another namespace may have the same.
func (f Files) FirstUserNamespace() (bool, error) {
	if link, err := fs.ReadLink(f.FS, "proc/self/ns/user"); err == nil {
		return link == "user:[4026531837]", nil
	}
	text, err := f.Text("/proc/self/uid_map")
	if err != nil {
		return false, err
	}
	fields := strings.Fields(text)
	return len(fields) == 3 && fields[0] == "0" && fields[1] == "0" &&
		fields[2] == "4294967295", nil
}

// MachineCapabilities returns those of the calling thread that count for the whole machine: none in
// a user namespace that is not the first one.
func (f Files) MachineCapabilities() (Capabilities, error) {
	caps, err := f.Capabilities()
	if err != nil {
		return 0, err
	}
	if first, err := f.FirstUserNamespace(); err != nil || !first {
		return 0, err
	}
	return caps, nil
}
