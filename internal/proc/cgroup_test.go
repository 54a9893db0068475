package proc

import (
	"reflect"
	"strings"
	"testing"
)

func TestCgroups(t *testing.T) {
	const (
		v1 = "36 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
			"39 31 0:36 / /sys/fs/cgroup/the\\040pids rw,relatime shared:7 - cgroup cgroup rw,pids,other\n"
		v2      = "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"
		inside  = "31 23 0:28 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
		outside = "31 23 0:28 /../.. /host ro - cgroup2 cgroup rw\n"
	)
	for _, test := range []struct {
		name, groups, mounts string
		want                 []Cgroup
		err                  string
	}{
		{"version 2", "0::/user.slice/a.scope\n", v2,
			[]Cgroup{{"/sys/fs/cgroup/user.slice/a.scope", "/user.slice/a.scope"},
				{"/sys/fs/cgroup/user.slice", "/user.slice"}, {"/sys/fs/cgroup", "/"}}, ""},
		{"version 1", "9:memory:/x\n8:other,pids:/a/b:c d\n1:name=systemd:/\n", v1,
			[]Cgroup{{"/sys/fs/cgroup/the pids/a/b:c d", "/a/b:c d"}, {"/sys/fs/cgroup/the pids/a",
				"/a"}, {"/sys/fs/cgroup/the pids", "/"}}, ""},
		{"both, at the root", "8:pids:/\n0::/x\n", strings.ReplaceAll(v2, "/sys/fs/cgroup",
			"/sys/fs/cgroup/unified") + v1,
			[]Cgroup{{"/sys/fs/cgroup/the pids", "/"}}, ""},
		{"both, and version 2 has it", "8:cpuset:/y\n0::/x\n", v1 + v2,
			[]Cgroup{{"/sys/fs/cgroup/x", "/x"}, {"/sys/fs/cgroup", "/"}}, ""},
		{"a part mounted", "0::/docker/abc/sub\n", inside,
			[]Cgroup{{"/sys/fs/cgroup/sub", "/docker/abc/sub"}, {"/sys/fs/cgroup", "/docker/abc"}},
			""},
		{"a part mounted, and all", "0::/docker/abc\n", inside + strings.ReplaceAll(v2,
			"/sys/fs/cgroup", "/all"),
			[]Cgroup{{"/all/docker/abc", "/docker/abc"}, {"/all/docker", "/docker"}, {"/all", "/"}},
			""},
		{"another part mounted", "0::/docker/abcd\n", inside, nil,
			`"/docker/abcd" is not mounted here`},
		{"only version 1 mounted", "0::/a\n", v1, nil, "not mounted here"},
		{"only version 2 mounted", "8:pids:/a\n0::/a\n", v2, nil, "not mounted here"},
		{"mounted from outside", "0::/a\n", outside, nil,
			"no cgroup file system that could have the controller pids"},
		{"outside", "0::/../a\n", v2, nil, "cannot be seen from here"},
		{"in and out", "0::/a/../../b\n", v2, nil, "cannot be seen from here"},
		{"no controller", "8:cpu:/a\n", v1, nil,
			"in no cgroup that could have the controller pids"},
		{"nothing", "", "", nil, "in no cgroup"},
		{"nonsense", "\x1b[31m\n", "- -\n\n", nil, `"\x1b[31m\n"`},
		{"nonsense mounted", "0::/a\n", "\n - \n1 2 3 4 5 - cgroup2 c rw\n", nil,
			"no cgroup file system"},
	} {
		got, err := Cgroups(test.groups, test.mounts, "pids")
		if !reflect.DeepEqual(got, test.want) || (err == nil) != (test.err == "") || err != nil &&
			!strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %q, %v; want %q, %q", test.name, got, err, test.want, test.err)
		}
	}
}
