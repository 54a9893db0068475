package trace

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

	"switchyard/internal/sys"
)

// A cpuStat is what a cgroup's cpu.stat says of throttling.
type cpuStat struct {
	sys.Cgroup
	inode uint64 // another cgroup may come under the same name
	times uint64
	time  time.Duration
}

// errNoThrottling: the controller cpu is off in a cgroup, or it is the root of cgroup v2, which has no limit.
var errNoThrottling = errors.New("no nr_throttled")

// readCPUStat reads a cgroup's cpu.stat. The error wraps errNoThrottling if there is none, or nothing of throttling in it.
func readCPUStat(g sys.Cgroup) (cpuStat, error) {
	s := cpuStat{Cgroup: g}
	f, err := os.Open(filepath.Join(g.Dir, "cpu.stat"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, errNoThrottling
	} else if err != nil {
		return s, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return s, err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = st.Ino
	}
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if errors.Is(err, syscall.ENODEV) { // removed since it was opened
		return s, errNoThrottling
	} else if err != nil {
		return s, err
	}
	if s.times, s.time, err = parseCPUStat(text); err != nil {
		return s, fmt.Errorf("cpu.stat of the cgroup %q: %w", g.Name, err)
	}
	return s, nil
}

// parseCPUStat reads nr_throttled, and throttled_usec (version 2) or throttled_time (version 1, ns).
func parseCPUStat(text []byte) (times uint64, d time.Duration, err error) {
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
		return 0, 0, errNoThrottling
	case !haveTime:
		return 0, 0, errors.New("nr_throttled without a time")
	}
	return times, d, nil
}
