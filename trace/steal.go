package trace

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"time"
)

// readSteal returns the time the hypervisor has kept from this machine's CPUs since boot; 0 if it cannot be read.
func readSteal() time.Duration { return readCPU(8) }

// readInterrupts returns the time the CPUs have spent in interrupts and softirqs since boot; 0 if it cannot be read. Where
// the kernel keeps account of it (CONFIG_IRQ_TIME_ACCOUNTING), sum_exec_runtime leaves it out.
func readInterrupts() time.Duration { return readCPU(6, 7) }

// readCPU returns the sum of fields of the first line of /proc/stat (proc_stat(5)), whose unit is USER_HZ, 1/100 s.
func readCPU(columns ...int) (sum time.Duration) {
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
	if len(fields) == 0 || fields[0] != "cpu" {
		return 0
	}
	for _, c := range columns {
		if c >= len(fields) {
			return 0
		}
		ticks, err := strconv.ParseUint(fields[c], 10, 64)
		if err != nil {
			return 0
		}
		sum += time.Duration(ticks) * (time.Second / 100)
	}
	return sum
}
