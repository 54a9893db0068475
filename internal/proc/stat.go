package proc

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Stat is what all CPUs together did since the machine started (proc_stat(5)). Times are counted in
// ticks of 10 ms.
type Stat struct {
	// Busy, Idle and Steal fill the CPUs' time. Steal is time a hypervisor gave to others, which
	// looks like time on the CPU to who ran there.
	Busy, Idle, Steal time.Duration
	// Interrupts is the part of Busy in hardware interrupts and softirqs. Where the kernel keeps
	// account of it (CONFIG_IRQ_TIME_ACCOUNTING), sum_exec_runtime leaves it out.
	Interrupts time.Duration
}

// Sub returns what happened between o, which is the earlier one, and s.
func (s Stat) Sub(o Stat) Stat {
	return Stat{s.Busy - o.Busy, s.Idle - o.Idle, s.Steal - o.Steal, s.Interrupts - o.Interrupts}
}

// Stat reads /proc/stat.
func (f Files) Stat() (Stat, error) {
	text, err := f.Text("/proc/stat")
	if err != nil {
		return Stat{}, err
	}
	return parseStat(text)
}

func parseStat(text string) (s Stat, err error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	// Older kernels have fewer columns; steal is there since Linux 2.6.11.
	if len(fields) < 9 || fields[0] != "cpu" {
		return s, errors.New("/proc/stat: no steal time in the line cpu")
	}
	for i, f := range fields[1:9] { // guest time, which follows, is in user and nice already
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return s, fmt.Errorf("/proc/stat: %q is not a number", f)
		}
		d := time.Duration(n) * (time.Second / 100) // USER_HZ
		switch i {
		case 3, 4: // idle, iowait
			s.Idle += d
		case 5, 6: // irq, softirq
			s.Interrupts += d
			s.Busy += d
		case 7:
			s.Steal += d
		default:
			s.Busy += d
		}
	}
	return s, nil
}

// Switches reads from /proc/stat the number of context switches on all CPUs since the machine
// started (ctxt).
func (f Files) Switches() (uint64, error) {
	text, err := f.Text("/proc/stat")
	if err != nil {
		return 0, err
	}
	return ParseSwitches(text)
}

// ParseSwitches is Switches of a text of /proc/stat that was read already.
func ParseSwitches(text string) (uint64, error) {
	for line := range strings.Lines(text) {
		if n, ok := strings.CutPrefix(line, "ctxt "); ok {
			v, err := strconv.ParseUint(strings.TrimSpace(n), 10, 64)
			if err != nil {
				return 0, errors.New("/proc/stat: ctxt is no number")
			}
			return v, nil
		}
	}
	return 0, errors.New("/proc/stat has no ctxt")
}
