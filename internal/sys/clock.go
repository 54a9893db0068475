package sys

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Boottime returns CLOCK_BOOTTIME as the kernel and its BPF programs read it, ns. In a time
// namespace (time_namespaces(7), Linux 5.6) a process reads another time, by an offset, which is
// taken off here: times of a process and of the kernel can be compared, and those of processes in
// different namespaces too.
func Boottime() int64 { return read(unix.CLOCK_BOOTTIME) - timeOffsets().boottime }

// Monotonic returns CLOCK_MONOTONIC likewise, ns.
func Monotonic() int64 { return read(unix.CLOCK_MONOTONIC) - timeOffsets().monotonic }

func read(clock int32) int64 {
	var t unix.Timespec
	unix.ClockGettime(clock, &t) // cannot fail for these clocks
	return t.Nano()
}

// clockOffsets are how far a namespace's clocks are ahead of the kernel's, ns.
type clockOffsets struct{ monotonic, boottime int64 }

// timeOffsets returns those of this process, which stays in its namespace: to change it, a process
// must have one thread.
var timeOffsets = sync.OnceValue(func() (o clockOffsets) {
	// The file has the offsets of the namespace that children get. It is the process's own as soon
	// as it has started a program (since 6.1).
	own, err := os.Readlink("/proc/self/ns/time")
	if err != nil {
		return o // a kernel without them, or without /proc
	}
	if children, err := os.Readlink("/proc/self/ns/time_for_children"); err != nil ||
		children != own {
		return o // not to be known; whoever compares times finds out
	}
	text, err := os.ReadFile("/proc/self/timens_offsets")
	if err != nil {
		return o
	}
	return parseTimeOffsets(string(text))
})

// parseTimeOffsets reads lines of a clock's name or number, seconds, and nanoseconds, which are
// never negative.
func parseTimeOffsets(text string) (o clockOffsets) {
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		f := strings.Fields(s.Text())
		if len(f) != 3 {
			continue
		}
		seconds, err1 := strconv.ParseInt(f[1], 10, 64)
		nanos, err2 := strconv.ParseInt(f[2], 10, 64)
		if err1 != nil || err2 != nil {
			continue
		}
		offset := seconds*int64(time.Second) + nanos
		switch f[0] {
		case "monotonic", strconv.Itoa(unix.CLOCK_MONOTONIC):
			o.monotonic = offset
		case "boottime", strconv.Itoa(unix.CLOCK_BOOTTIME):
			o.boottime = offset
		}
	}
	return o
}
