package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// dropPrivilege is called when the probes are attached and the files of --out are open: what is
// left needs only CAP_BPF and CAP_PERFMON, to attach again and to read what the probes counted.
// Servers and load run with no capability at all.
func dropPrivilege(keep ...int) error {
	info, err := os.Stat("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("capabilities are kept: %w", err)
	}
	if info.Mode()&0o001 == 0 {
		// Without capabilities root is one user among others.
		return fmt.Errorf("capabilities are kept, for servers and load too: the program's file can be run only by its owner or group (chmod o+x)")
	}
	if err := sys.DropCapabilities(append(keep, unix.CAP_BPF, unix.CAP_PERFMON)...); err != nil {
		return fmt.Errorf("capabilities are kept: %w", err)
	}
	return nil
}
