package trace

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"time"
)

// readSteal returns the time the hypervisor has kept from this machine's CPUs since boot, from /proc/stat (proc_stat(5)),
// whose unit is USER_HZ, 1/100 s; 0 if it cannot be read.
func readSteal() time.Duration {
	f, err := os.Open("/proc/stat")
	if err != nil {
		return 0
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	if !s.Scan() {
		return 0
	}
	fields := strings.Fields(s.Text())
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0
	}
	ticks, err := strconv.ParseUint(fields[8], 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(ticks) * (time.Second / 100)
}
