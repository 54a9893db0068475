package trace

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// missingCapabilities names the capabilities tracing needs and this thread does not have, "" if it has them all:
// CAP_BPF to load programs, CAP_PERFMON to let them read the kernel's memory (capabilities(7), since Linux 5.8).
// CAP_SYS_ADMIN includes both.
func missingCapabilities() string {
	f, err := os.Open("/proc/thread-self/status")
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		hex, ok := strings.CutPrefix(s.Text(), "CapEff:")
		if !ok {
			continue
		}
		effective, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
		if err != nil || effective&(1<<unix.CAP_SYS_ADMIN) != 0 {
			return ""
		}
		var missing []string
		if effective&(1<<unix.CAP_BPF) == 0 {
			missing = append(missing, "CAP_BPF")
		}
		if effective&(1<<unix.CAP_PERFMON) == 0 {
			missing = append(missing, "CAP_PERFMON")
		}
		return strings.Join(missing, " and ")
	}
	return ""
}
