package switchyard

import (
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

var calibrated = sync.OnceValue(Calibrate)

// Calibrate measures how many turns of the loop behind /work take one millisecond of CPU on this
// machine, now: the best of several short runs by the thread's own CPU clock (clock_gettime(2),
// CLOCK_THREAD_CPUTIME_ID), so that neither another task nor one interruption slows the result. It
// takes about 5 ms.
func Calibrate() uint64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const turns = 200_000
	best := time.Duration(1 << 62)
	for range 8 {
		start := threadCPU()
		_ = burn(turns)
		if d := threadCPU() - start; d > 0 {
			best = min(best, d)
		}
	}
	return max(1, uint64(float64(turns)*float64(time.Millisecond)/float64(best)))
}

func threadCPU() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// burn spends CPU for so many turns of a chain of dependent multiplications:
// its time does not hang on memory, nor on how many a core can do at once. The
// result is used so that the compiler keeps it.
//
//go:nosplit
//go:norace
//go:noinline
func burn(turns uint64) uint64 {
	x := uint64(1)
	for range turns {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}
