package trace_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"switchyard/internal/testenv"
	"switchyard/trace"
	"switchyard/trace/event"
)

func TestCPUStat(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		times uint64
		time  time.Duration
		err   string
	}{
		"v1": {"nr_periods 30\nnr_throttled 23\nthrottled_time 1009\nnr_bursts 0\nburst_time 0\n",
			23, 1009, ""},
		"v2": {"usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 30\nnr_throttled 23\nthrottled_usec 1009\n",
			23, 1009 * time.Microsecond, ""},
		"v2, root":  {"usage_usec 5\nuser_usec 3\nsystem_usec 2\n", 0, 0, "no nr_throttled"},
		"empty":     {"", 0, 0, "no nr_throttled"},
		"no time":   {"nr_throttled 23\n", 0, 0, "without a time"},
		"no number": {"nr_throttled x\nthrottled_time 1\n", 0, 0, "nr_throttled"},
		"negative":  {"nr_throttled 1\nthrottled_time -1\n", 0, 0, "throttled_time"},
		"too long":  {"nr_throttled 1\nthrottled_usec 9223372036854776\n", 0, 0, "no time"},
		"as long as can": {"nr_throttled 18446744073709551615\nthrottled_time 9223372036854775807\n",
			1<<64 - 1, 1<<63 - 1, ""},
		"no newline": {"nr_throttled 23\nthrottled_time 1009", 23, 1009, ""},
		"only keys":  {"nr_throttled\nthrottled_time\n", 0, 0, "nr_throttled"},
		"another's key": {"nr_throttled_more 7\nnr_throttled 23\nthrottled_time 1009\n", 23,
			1009, ""},
	} {
		times, d, err := trace.CPUStat(c.text)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want one about %q", name, err, c.err)
			}
			continue
		}
		if err != nil || times != c.times || d != c.time {
			t.Errorf("%s: %d, %v, %v; want %d, %v", name, times, d, err, c.times, c.time)
		}
	}
}

// files makes a file system of what is in it.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range contents {
		put(t, root, name, text)
	}
	return root
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	name = filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const (
	mountsV1 = `23 1 0:21 / /sys rw - sysfs sysfs rw
32 31 0:29 / /sys/fs/cgroup/cpu\040acct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
33 31 0:30 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`
	mountsV2   = "24 23 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	mountsPart = "24 23 0:22 /pod/one /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"
)

func statV1(times int, ns int) string {
	return fmt.Sprintf("nr_periods 99\nnr_throttled %d\nthrottled_time %d\n", times, ns)
}

func statV2(times, us int) string {
	return fmt.Sprintf("usage_usec 1\nnr_periods 99\nnr_throttled %d\nthrottled_usec %d\n",
		times, us)
}

// TestThrottling reads made-up file systems, changes them, and reads again.
func TestThrottling(t *testing.T) {
	type set = map[string]string
	for name, c := range map[string]struct {
		before, after set
		remove        []string
		pids          []int
		want          *event.Throttling
		err           string
	}{
		"v1, and the cgroup above": {
			before: set{"proc/self/mountinfo": mountsV1,
				"proc/7/cgroup":                             "9:name=systemd:/\n3:cpuset:/other\n1:cpuacct,cpu:/a/b:c d\n0::/x\n",
				"sys/fs/cgroup/cpu acct/cpu.stat":           statV1(0, 0),
				"sys/fs/cgroup/cpu acct/a/cpu.stat":         statV1(5, 50),
				"sys/fs/cgroup/cpu acct/a/b:c d/cpu.stat":   statV1(1, 10),
				"sys/fs/cgroup/cpu acct/elsewhere/cpu.stat": statV1(1, 10)},
			after: set{"sys/fs/cgroup/cpu acct/a/cpu.stat": statV1(28, 1059),
				"sys/fs/cgroup/cpu acct/a/b:c d/cpu.stat":   statV1(3, 30),
				"sys/fs/cgroup/cpu acct/elsewhere/cpu.stat": statV1(1000, 1000)},
			pids: []int{7},
			want: &event.Throttling{Cgroups: []string{"/a", "/a/b:c d"}, Read: 3, Times: 25,
				Time: 1029},
		},
		"v2, where the root does not tell": {
			before: set{"proc/self/mountinfo": mountsV2, "proc/7/cgroup": "0::/a/b\n",
				"sys/fs/cgroup/cpu.stat":     "usage_usec 1\n",
				"sys/fs/cgroup/a/cpu.stat":   statV2(5, 50),
				"sys/fs/cgroup/a/b/cpu.stat": "usage_usec 1\n"},
			after: set{"sys/fs/cgroup/a/cpu.stat": statV2(28, 1059)},
			pids:  []int{7},
			want: &event.Throttling{Cgroups: []string{"/a"}, Read: 1, Times: 23,
				Time: 1009 * time.Microsecond},
		},
		"two processes share a cgroup": {
			before: set{"proc/self/mountinfo": mountsV2, "proc/7/cgroup": "0::/a/b\n",
				"proc/8/cgroup":            "0::/a/c\n",
				"sys/fs/cgroup/a/cpu.stat": statV2(0, 0), "sys/fs/cgroup/a/b/cpu.stat": statV2(0,
					0), "sys/fs/cgroup/a/c/cpu.stat": statV2(0, 0)},
			after: set{"sys/fs/cgroup/a/cpu.stat": statV2(23, 1),
				"sys/fs/cgroup/a/c/cpu.stat": statV2(1009, 2)},
			pids: []int{7, 8},
			want: &event.Throttling{Cgroups: []string{"/a/c", "/a"}, Read: 3, Times: 1032,
				Time: 3 * time.Microsecond},
		},
		"nothing happened": {
			before: set{"proc/self/mountinfo": mountsV2, "proc/7/cgroup": "0::/a\n",
				"sys/fs/cgroup/a/cpu.stat": statV2(5, 50)},
			pids: []int{7},
			want: &event.Throttling{Cgroups: []string{}, Read: 1},
		},
		"a part of the hierarchy is mounted": {
			before: set{"proc/self/mountinfo": mountsPart, "proc/7/cgroup": "0::/pod/one/x\n",
				"sys/fs/cgroup/cpu.stat": statV2(5, 50)},
			after: set{"sys/fs/cgroup/cpu.stat": statV2(28, 51)},
			pids:  []int{7},
			want: &event.Throttling{Cgroups: []string{"/pod/one"}, Read: 1, Times: 23,
				Time: time.Microsecond},
		},
		"another part is": {
			before: set{"proc/self/mountinfo": mountsPart, "proc/7/cgroup": "0::/pod/oneself\n",
				"sys/fs/cgroup/cpu.stat":      statV2(5, 50),
				"sys/fs/cgroup/self/cpu.stat": statV2(5, 50)},
			pids: []int{7},
			err:  `"/pod/oneself" is not mounted here`,
		},
		"controller off": {
			before: set{"proc/self/mountinfo": mountsV2, "proc/7/cgroup": "0::/a\n",
				"sys/fs/cgroup/cpu.stat":   "usage_usec 1\n",
				"sys/fs/cgroup/a/cpu.stat": "usage_usec 1\n"},
			pids: []int{7},
			err:  "controller is on neither",
		},
		"no cgroup file system": {
			before: set{"proc/self/mountinfo": "23 1 0:21 / /sys rw - sysfs sysfs rw\n",
				"proc/7/cgroup": "0::/a\n"},
			pids: []int{7},
			err:  "no cgroup file system",
		},
		"no mounts at all": {before: set{"proc/7/cgroup": "0::/a\n"}, pids: []int{7},
			err: "mountinfo"},
		"version 1 is not mounted": {
			before: set{"proc/self/mountinfo": mountsV2, "proc/7/cgroup": "1:cpu:/a\n0::/a\n",
				"sys/fs/cgroup/a/cpu.stat": statV2(5, 50)},
			pids: []int{7},
			err:  "not mounted",
		},
		"no such process": {before: set{"proc/self/mountinfo": mountsV2}, pids: []int{7},
			err: "process 7 is not there"},
		"one of two is gone": {
			before: set{"proc/self/mountinfo": mountsV2, "proc/8/cgroup": "0::/a\n",
				"sys/fs/cgroup/a/cpu.stat": statV2(5, 50)},
			after: set{"sys/fs/cgroup/a/cpu.stat": statV2(6, 51)},
			pids:  []int{7, 8},
			want: &event.Throttling{Cgroups: []string{"/a"}, Read: 1, Times: 1,
				Time: time.Microsecond},
		},
		"out of the mount": {
			before: set{"proc/self/mountinfo": mountsV2, "proc/7/cgroup": "0::/../../../cpu\n",
				"cpu/cpu.stat": statV2(5, 50)},
			pids: []int{7},
			err:  "cannot be seen",
		},
		"in and out": {
			before: set{"proc/self/mountinfo": mountsV2, "proc/7/cgroup": "0::/a/../../../../cpu\n",
				"cpu/cpu.stat": statV2(5, 50)},
			pids: []int{7},
			err:  "cannot be seen",
		},
		"no path": {before: set{"proc/self/mountinfo": mountsV2, "proc/7/cgroup": "0::a\n"},
			pids: []int{7}, err: "cannot be seen"},
		"nonsense": {before: set{"proc/self/mountinfo": mountsV2,
			"proc/7/cgroup": "\x1b[31m\n"}, pids: []int{7}, err: `"\x1b[31m`},
		"no cgroup": {before: set{"proc/self/mountinfo": mountsV2, "proc/7/cgroup": ""},
			pids: []int{7}, err: "in no cgroup"},
		"nonsense mounts": {before: set{"proc/self/mountinfo": "\n - \n1 2 3 4 5 - cgroup2 c rw\n1 2 3 /../.. / - cgroup2 c rw\n",
			"proc/7/cgroup": "0::/\n"}, pids: []int{7}, err: "no cgroup file system"},
		"nonsense later": {
			before: set{"proc/self/mountinfo": mountsV2, "proc/7/cgroup": "0::/a\n",
				"sys/fs/cgroup/a/cpu.stat": statV2(5, 50)},
			after: set{"sys/fs/cgroup/a/cpu.stat": "nr_throttled many\n"},
			pids:  []int{7},
			err:   `"/a"`,
		},
		"removed": {
			before: set{"proc/self/mountinfo": mountsV2, "proc/7/cgroup": "0::/a/b\n",
				"sys/fs/cgroup/a/cpu.stat":   statV2(5, 50),
				"sys/fs/cgroup/a/b/cpu.stat": statV2(5, 50)},
			remove: []string{"sys/fs/cgroup/a/b"},
			pids:   []int{7},
			err:    `"/a/b" was removed`,
		},
		"the process went and its cgroup stayed": {
			before: set{"proc/self/mountinfo": mountsV2, "proc/7/cgroup": "0::/a\n",
				"sys/fs/cgroup/a/cpu.stat": statV2(5, 50)},
			after:  set{"sys/fs/cgroup/a/cpu.stat": statV2(28, 51)},
			remove: []string{"proc/7"},
			pids:   []int{7},
			want: &event.Throttling{Cgroups: []string{"/a"}, Read: 1, Times: 23,
				Time: time.Microsecond},
		},
		"all": {
			before: set{"proc/self/mountinfo": mountsV2, "sys/fs/cgroup/cpu.stat": "usage_usec 1\n",
				"sys/fs/cgroup/a/cpu.stat":    statV2(5, 50),
				"sys/fs/cgroup/a/b/cpu.stat":  statV2(7, 70),
				"sys/fs/cgroup/off/cpu.stat":  "usage_usec 1\n",
				"sys/fs/cgroup/goes/cpu.stat": statV2(1, 1)},
			after: set{"sys/fs/cgroup/a/b/cpu.stat": statV2(30, 1079),
				"sys/fs/cgroup/late/cpu.stat": statV2(2, 3)},
			remove: []string{"sys/fs/cgroup/goes"},
			want: &event.Throttling{Cgroups: []string{"/a/b", "/late"}, Read: 3, Times: 25,
				Time: 1012 * time.Microsecond},
		},
		"all, of version 1": {
			before: set{"proc/self/mountinfo": mountsV1,
				"sys/fs/cgroup/cpu acct/cpu.stat": statV1(1, 1),
				"sys/fs/cgroup/unified/cpu.stat":  "usage_usec 1\n"},
			after: set{"sys/fs/cgroup/cpu acct/cpu.stat": statV1(24, 1010)},
			want:  &event.Throttling{Cgroups: []string{"/"}, Read: 1, Times: 23, Time: 1009},
		},
		"all, and the controller is off": {
			before: set{"proc/self/mountinfo": mountsV2, "sys/fs/cgroup/cpu.stat": "usage_usec 1\n",
				"sys/fs/cgroup/a/cpu.stat": "usage_usec 1\n"},
			err: "in no cgroup",
		},
		"all, and it is not mounted": {before: set{"proc/self/mountinfo": ""},
			err: "no cgroup file system"},
	} {
		t.Run(name, func(t *testing.T) {
			root := files(t, c.before)
			w := trace.WatchThrottlingBelow(root, c.pids...)
			for name, text := range c.after {
				put(t, root, name, text)
			}
			for _, name := range c.remove {
				if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
					t.Fatal(err)
				}
			}
			got, err := w.Read()
			if c.err != "" {
				if got != nil || err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%+v, %v; want an error about %q", got, err, c.err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

// A cgroup under the name of one that was removed is another: what is in it is all new, or not what
// was asked about.
func TestThrottlingOfAnother(t *testing.T) {
	for _, all := range []bool{false, true} {
		root := files(t, map[string]string{"proc/self/mountinfo": mountsV2,
			"proc/7/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.stat": statV2(5, 50)})
		var pids []int
		if !all {
			pids = []int{7}
		}
		w := trace.WatchThrottlingBelow(root, pids...)
		// while the old one exists, so that it has another inode
		put(t, root, "sys/fs/cgroup/new/cpu.stat", statV2(23, 1009))
		for _, move := range [][2]string{{"sys/fs/cgroup/a", "was"},
			{"sys/fs/cgroup/new", "sys/fs/cgroup/a"}} {
			if err := os.Rename(filepath.Join(root, move[0]),
				filepath.Join(root, move[1])); err != nil {
				t.Fatal(err)
			}
		}
		got, err := w.Read()
		switch {
		case !all && (err == nil || !strings.Contains(err.Error(), "was removed")):
			t.Errorf("%+v, %v; want to hear that it was removed", got, err)
		case all && (err != nil || got.Times != 23 || got.Time != 1009*time.Microsecond):
			t.Errorf("%+v, %v; want 23 times", got, err)
		}
	}
}

// TestThrottlingOfTooMany: a machine may have more cgroups than can be read in the time there is.
func TestThrottlingOfTooMany(t *testing.T) {
	root := files(t, map[string]string{"proc/self/mountinfo": mountsV2,
		"sys/fs/cgroup/a/cpu.stat": statV2(5, 50)})
	more := func(from, to int) {
		for i := from; i < to; i++ {
			if err := os.Mkdir(filepath.Join(root, "sys/fs/cgroup", strconv.Itoa(i)),
				0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	more(2, trace.MaxCgroups) // with the root and a
	w := trace.WatchThrottlingBelow(root)
	if got, err := w.Read(); err != nil || got.Read != 1 {
		t.Errorf("%+v, %v; want the one of %d that tells", got, err, trace.MaxCgroups)
	}
	more(trace.MaxCgroups, trace.MaxCgroups+1)
	for _, w := range []*trace.ThrottleWatch{w, trace.WatchThrottlingBelow(root)} {
		if got, err := w.Read(); got != nil || err == nil || !strings.Contains(err.Error(),
			"more than") {
			t.Errorf("%+v, %v; want to hear that there are too many", got, err)
		}
	}
}

// limit makes a cgroup that gets a tenth of a CPU, in the root of the hierarchy, and in it another
// without a limit. It looks for the hierarchy where systems have it by custom, and not as the
// package does.
func limit() (outer, inner string, remove func() error, err error) {
	for _, try := range []struct{ top, needs, file, value string }{
		{"/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "cpu.cfs_quota_us", "10000"},
		{"/sys/fs/cgroup/cpu,cpuacct", "cpu.cfs_quota_us", "cpu.cfs_quota_us", "10000"},
		{"/sys/fs/cgroup", "cgroup.controllers", "cpu.max", "10000 100000"},
	} {
		if _, e := os.Stat(filepath.Join(try.top, try.needs)); e != nil {
			err = errors.Join(err, e)
			continue
		}
		outer = filepath.Join(try.top, "switchyard-test-"+strconv.Itoa(os.Getpid()))
		inner = filepath.Join(outer, "inner")
		remove = func() error {
			for _, dir := range []string{inner, outer} {
				// Its last process may not be reaped yet.
				if !testenv.Until(func() bool {
					err = os.Remove(dir)
					return err == nil || errors.Is(err, fs.ErrNotExist)
				}) {
					return err
				}
			}
			return nil
		}
		if e := os.MkdirAll(inner, 0o755); e != nil {
			return "", "", nil, e
		}
		// Without the controller there is no such file, and none can be made.
		if e := os.WriteFile(filepath.Join(outer, try.file), []byte(try.value), 0); e != nil {
			return "", "", nil, errors.Join(e, remove())
		}
		return outer, inner, remove, nil
	}
	return "", "", nil, err
}

// throttled reads how often a cgroup was, and for how long, in whatever unit it is in.
func throttled(t *testing.T, dir string) (times, long uint64) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "cpu.stat"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for in := bufio.NewScanner(f); in.Scan(); {
		var key string
		var value uint64
		if _, err := fmt.Sscan(in.Text(), &key, &value); err != nil {
			t.Fatal(err)
		}
		switch key {
		case "nr_throttled":
			times = value
			n++
		case "throttled_usec", "throttled_time":
			long = value
			n++
		}
	}
	if n != 2 {
		t.Fatalf("%s/cpu.stat has not what it should have", dir)
	}
	return times, long
}

// TestThrottled burns CPU time in a cgroup that has little, and compares with what its cpu.stat
// says right before and after each end of the window.
func TestThrottled(t *testing.T) {
	outer, inner, remove, err := limit()
	if err != nil {
		testenv.Skip(t, "no cgroup with a limit: "+err.Error(), func() error {
			_, _, remove, err := limit()
			if err != nil {
				return err
			}
			return remove()
		})
	}
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
	})
	h := start(t, "burner")
	if err := os.WriteFile(filepath.Join(inner, "cgroup.procs"), []byte(strconv.Itoa(h.pid())),
		0); err != nil {
		t.Fatal(err)
	}

	var before, opened, closing uint64
	ready := func() { before, _ = throttled(t, outer) }
	burn := func() {
		var long uint64
		opened, long = throttled(t, outer)
		// The time comes when the tasks go on, which may be periods later.
		var now uint64
		testenv.Eventually(t, "throttled three times, and for a time", func() bool {
			closing, now = throttled(t, outer)
			return closing >= opened+3 && now > long
		}, func() string { return fmt.Sprintf("%d times, for %d", closing-opened, now-long) })
	}
	verify := func(t *testing.T, all bool, got *event.Throttling, why string) {
		t.Helper()
		after, _ := throttled(t, outer)
		if got == nil {
			t.Fatalf("not known: %s", why)
		}
		t.Logf("%+v", *got)
		if got.Times < closing-opened || got.Times > after-before && !all || got.Time <= 0 {
			t.Errorf("%d times, %v; want %d to %d times, and a time", got.Times, got.Time,
				closing-opened, after-before)
		}
		ours := func(name string) bool { return path.Base(name) == filepath.Base(outer) }
		if !slices.ContainsFunc(got.Cgroups, ours) || !all && len(got.Cgroups) != 1 {
			t.Errorf("cgroups %q, want …/%s", got.Cgroups, filepath.Base(outer))
		}
	}

	t.Run("watch", func(t *testing.T) {
		ready()
		w := trace.WatchThrottling(h.pid())
		burn()
		got, err := w.Read()
		verify(t, false, got, fmt.Sprint(err))
	})
	t.Run("count", func(t *testing.T) {
		s := session(t, trace.Options{})
		ready()
		c := window(t, s, h.pid(), burn)
		verify(t, false, c.Throttled, c.Missing["throttled"])
		if c.Total.RunQueue < c.Window/2 {
			t.Errorf("on the run queue for %v of %v, with a tenth of a CPU", c.Total.RunQueue,
				c.Window)
		}
	})
	t.Run("count all", func(t *testing.T) {
		s := session(t, trace.Options{})
		if err := s.FollowAll(); err != nil {
			t.Fatal(err)
		}
		ready()
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		burn()
		c, err := s.Stop()
		if err != nil {
			t.Fatal(err)
		}
		verify(t, true, c.Throttled, c.Missing["throttled"])
	})
	t.Run("forgotten", func(t *testing.T) {
		s := session(t, trace.Options{})
		other := start(t, "worker")
		for _, follow := range []func() error{s.FollowAll, func() error {
			return s.Follow(h.pid())
		}} {
			if err := errors.Join(follow(), s.Forget()); err != nil {
				t.Fatal(err)
			}
			c := window(t, s, other.pid(), burn)
			if got := c.Throttled; got != nil && strings.Contains(fmt.Sprint(got.Cgroups),
				filepath.Base(outer)) {
				t.Errorf("%+v, and nothing in there is followed any more", *got)
			}
			if err := s.Forget(); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("followed in the window", func(t *testing.T) {
		s := session(t, trace.Options{})
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		ready()
		if err := s.Follow(h.pid()); err != nil {
			t.Fatal(err)
		}
		burn()
		c, err := s.Stop()
		if err != nil {
			t.Fatal(err)
		}
		verify(t, false, c.Throttled, c.Missing["throttled"])
	})
	for _, all := range []bool{false, true} {
		t.Run(fmt.Sprintf("record, all=%v", all), func(t *testing.T) {
			r := recorder(t, trace.RecordOptions{All: all})
			if !all {
				if err := r.Follow(h.pid()); err != nil {
					t.Fatal(err)
				}
			}
			ready()
			about := record(t, r, burn).About()
			verify(t, all, about.Throttled, about.ThrottledWhy)
		})
	}
}
