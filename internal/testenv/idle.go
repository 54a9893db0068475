package testenv

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Idle fails the test if this process, of which nobody wants anything just now, uses more than half
// of the time of a CPU. It takes 200 ms.
func Idle(t testing.TB, when string) {
	t.Helper()
	const silence = 200 * time.Millisecond
	var before, after unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &before)
	time.Sleep(silence)
	unix.Getrusage(unix.RUSAGE_SELF, &after)
	used := time.Duration(after.Utime.Nano() + after.Stime.Nano() -
		before.Utime.Nano() - before.Stime.Nano())
	if used > silence/2 {
		t.Errorf("%s: %v of CPU time used in %v of silence", when, used, silence)
	}
}
