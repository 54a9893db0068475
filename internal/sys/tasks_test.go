package sys

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestTaskRoom(t *testing.T) {
	room, limit := TaskRoom()
	if room <= 0 || room == math.MaxInt32 || limit == "" {
		t.Errorf("room for %d, %s", room, limit)
	}
	err := RoomForTasks(math.MaxInt32)
	if err == nil || !strings.Contains(err.Error(), limit) {
		t.Errorf("room for all: %v, want an error that names %s", err, limit)
	}
}

func TestPidsGroups(t *testing.T) {
	const (
		v1 = "36 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
			"39 31 0:36 / /sys/fs/cgroup/pids rw,relatime shared:7 - cgroup cgroup rw,pids\n"
		v2     = "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"
		inside = "31 23 0:28 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
	)
	for _, test := range []struct {
		name, groups, mounts string
		want                 []string
	}{
		{"version 2", "0::/user.slice/a.scope\n", v2,
			[]string{"/sys/fs/cgroup/user.slice/a.scope", "/sys/fs/cgroup/user.slice", "/sys/fs/cgroup"}},
		{"version 1", "9:memory:/x\n8:pids:/a/b\n1:name=systemd:/\n", v1,
			[]string{"/sys/fs/cgroup/pids/a/b", "/sys/fs/cgroup/pids/a", "/sys/fs/cgroup/pids"}},
		{"both, at the root", "8:pids:/\n0::/\n", v1 + strings.ReplaceAll(v2, "/sys/fs/cgroup", "/sys/fs/cgroup/unified"),
			[]string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified"}},
		{"part of the tree mounted", "0::/docker/abc/sub\n", inside, []string{"/sys/fs/cgroup/sub", "/sys/fs/cgroup"}},
		{"outside of what is mounted", "0::/other\n", inside, []string{"/sys/fs/cgroup"}},
		{"not mounted", "0::/a\n", v1, nil},
		{"nothing", "", "", nil},
		{"nonsense", "a:b\nc\n", "- -\n\n", nil},
	} {
		if got := pidsGroups(test.groups, test.mounts); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
