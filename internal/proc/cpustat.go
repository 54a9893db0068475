package proc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// CPUStat is what a cgroup's cpu.stat says of throttling.
type CPUStat struct {
	Cgroup
	Inode uint64        // another cgroup may come under the same name
	Times uint64        // nr_throttled
	Time  time.Duration // of all CPUs' throttled run queues, added up
}

// ErrNoThrottling: the controller cpu is off in a cgroup, or it is the root of cgroup v2, which has
// no limit.
var ErrNoThrottling = errors.New("no nr_throttled")

// ReadCPUStat reads a cgroup's cpu.stat. The error wraps ErrNoThrottling if there is none, or
// nothing of throttling in it.
func ReadCPUStat(g Cgroup) (CPUStat, error) {
	s := CPUStat{Cgroup: g}
	f, err := os.Open(filepath.Join(g.Dir, "cpu.stat"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, ErrNoThrottling
	} else if err != nil {
		return s, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return s, err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Inode = st.Ino
	}
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if errors.Is(err, syscall.ENODEV) { // removed since it was opened
		return s, ErrNoThrottling
	} else if err != nil {
		return s, err
	}
	if s.Times, s.Time, err = ParseCPUStat(text); err != nil {
		return s, fmt.Errorf("cpu.stat of the cgroup %q: %w", g.Name, err)
	}
	return s, nil
}

// ParseCPUStat reads nr_throttled, and throttled_usec (version 2) or throttled_time (version 1,
// ns).
func ParseCPUStat(text []byte) (times uint64, d time.Duration, err error) {
	var haveTimes, haveTime bool
	for in := bufio.NewScanner(bytes.NewReader(text)); in.Scan(); {
		key, value, _ := strings.Cut(in.Text(), " ")
		unit := uint64(time.Nanosecond)
		switch key {
		case "nr_throttled":
			if times, err = strconv.ParseUint(value, 10, 64); err != nil {
				return 0, 0, fmt.Errorf("%s: %w", key, err)
			}
			haveTimes = true
			continue
		case "throttled_usec":
			unit = uint64(time.Microsecond)
		case "throttled_time":
		default:
			continue
		}
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", key, err)
		}
		if n > math.MaxInt64/unit {
			return 0, 0, fmt.Errorf("%s: %d is no time", key, n)
		}
		d, haveTime = time.Duration(n*unit), true
	}
	switch {
	case !haveTimes:
		return 0, 0, ErrNoThrottling
	case !haveTime:
		return 0, 0, errors.New("nr_throttled without a time")
	}
	return times, d, nil
}
