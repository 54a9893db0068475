package doctor

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
)

// healthy is a machine of which nothing is missing.
var healthy = map[string]string{
	"sys/kernel/btf/vmlinux":                                          "BTF",
	"sys/kernel/security/lockdown":                                    "[none] integrity confidentiality\n",
	"sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
	"sys/devices/system/cpu/online":                                   "0-3\n",
	"proc/cpuinfo":                                                    "processor\t: 0\nflags\t\t: fpu vme\n",
	"proc/stat":                                                       "cpu  100 0 100 9000 0 0 0 5 0 0\ncpu0 1 2 3\n",
	"proc/thread-self/status":                                         "Name:\tx\nCapEff:\t000001ffffffffff\n",
	"proc/self/uid_map":                                               "         0          0 4294967295\n",
	"proc/self/cgroup":                                                "0::/user.slice/s\n",
	"proc/self/mountinfo":                                             "30 1 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
	"sys/fs/cgroup/user.slice/s/pids.max":                             "max\n",
	"sys/fs/cgroup/user.slice/pids.max":                               "50000\n",
	"proc/sys/kernel/unprivileged_bpf_disabled":                       "2\n",
	"proc/sys/kernel/perf_event_paranoid":                             "2\n",
	"proc/sys/kernel/io_uring_disabled":                               "0\n",
	"proc/sys/net/core/somaxconn":                                     "4096\n",
	"proc/sys/net/ipv4/tcp_tw_reuse":                                  "2\n",
	"proc/sys/net/ipv4/ip_local_port_range":                           "32768\t60999\n",
	"proc/sys/kernel/threads-max":                                     "192730\n",
	"proc/sys/kernel/pid_max":                                         "32768\n",
}

// look examines a machine that differs from a healthy one by some files (an empty text takes the
// file away).
func look(t *testing.T, change map[string]string, also func(*machine)) map[string]Finding {
	t.Helper()
	files := maps.Clone(healthy)
	maps.Copy(files, change)
	tree := fstest.MapFS{}
	for name, text := range files {
		if text != "" {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	m := machine{
		Files:   proc.Files{FS: tree},
		limit:   func(int) (uint64, uint64, error) { return 65536, 65536, nil },
		cpus:    4,
		release: "6.18.0 x86_64",
	}
	if also != nil {
		also(&m)
	}
	found := map[string]Finding{}
	for _, f := range [][]Finding{
		lookKernel(m), lookCPUs(m), lookPrivileges(m), lookSysctls(m), lookLimits(m),
	} {
		for _, f := range f {
			if _, twice := found[f.Name]; twice {
				t.Errorf("%s is found twice", f.Name)
			}
			found[f.Name] = f
			if (f.Status == Missing) != (f.Remedy != "") {
				t.Errorf("%s: %s, remedy %q", f.Name, f.Status, f.Remedy)
			}
		}
	}
	return found
}

func TestDoctorOfAHealthyMachine(t *testing.T) {
	found := look(t, nil, nil)
	for _, f := range found {
		if f.Status != Works {
			t.Errorf("%s %s: %s", f.Status, f.Name, f.Value)
		}
	}
	for name, value := range map[string]string{
		"release":                      "6.18.0",
		"hypervisor":                   "none",
		"steal":                        "0.05 %",
		"net.ipv4.ip_local_port_range": "28232 ports",
		"pids cgroup":                  "50000 tasks in /sys/fs/cgroup/user.slice",
	} {
		if got := found[name].Value; !strings.Contains(got, value) {
			t.Errorf("%s: %q, want %q in it", name, got, value)
		}
	}
}

func TestDoctorFindsWhatIsMissing(t *testing.T) {
	const (
		nobody  = "CapEff:\t0000000000000000\n"
		clock   = "sys/devices/system/clocksource/clocksource0/current_clocksource"
		ioUring = "proc/sys/kernel/io_uring_disabled"
		ports   = "proc/sys/net/ipv4/ip_local_port_range"
	)
	for _, c := range []struct {
		name   string
		file   string
		text   string
		status Status
		words  string // in the value or the remedy
	}{
		{"BTF", "sys/kernel/btf/vmlinux", "", Missing, "CONFIG_DEBUG_INFO_BTF"},
		{"lockdown", "sys/kernel/security/lockdown", "none integrity [confidentiality]", Missing, "lockdown=integrity"},
		{"lockdown", "sys/kernel/security/lockdown", "none [integrity] confidentiality", Works, "integrity"},
		{"lockdown", "sys/kernel/security/lockdown", "", Works, "none"},
		{"clock source", clock, "hpet", Missing, "clocksource=tsc"},
		{"clock source", clock, "", Unknown, ""},
		{"hypervisor", "proc/cpuinfo", "flags : a hypervisor b\n", Works, "yes"},
		{"hypervisor", "proc/cpuinfo", "Features : a b\n", Works, "none"},
		{"steal", "proc/stat", "cpu  100 0 100 700 0 0 0 100 0 0\n", Missing, "10.0 %"},
		{"steal", "proc/stat", "cpu  1 2 3\n", Unknown, "no steal"},
		{"steal", "proc/stat", "cpu  0 0 0 0 0 0 0 0 0 0\n", Unknown, "no time"},
		{"steal", "proc/stat", "cpu  0 0 0 x 0 0 0 0 0 0\n", Unknown, `"x"`},
		{"CAP_BPF", "proc/thread-self/status", nobody, Missing, "as root"},
		{"CAP_PERFMON", "proc/thread-self/status", nobody, Missing, "as root"},
		{"CAP_SYS_ADMIN", "proc/thread-self/status", nobody, Missing, "as root"},
		{"CAP_NET_BIND_SERVICE", "proc/thread-self/status", nobody, Missing, "above 1023"},
		// CAP_SYS_ADMIN alone, bit 21, stands for the two.
		{"CAP_BPF", "proc/thread-self/status", "CapEff:\t0000000000200000\n", Works, "stands for it"},
		// CAP_PERFMON and CAP_BPF, bits 38 and 39, need no CAP_SYS_ADMIN.
		{"CAP_SYS_ADMIN", "proc/thread-self/status", "CapEff:\t000000c000000000\n", Works, "not needed"},
		{"CAP_SYS_ADMIN", "proc/thread-self/status", "CapEff:\t0000008000000000\n", Missing, "as root"},
		{"capabilities", "proc/thread-self/status", "CapEff:\tmany\n", Unknown, `"many"`},
		{"capabilities", "proc/thread-self/status", "Name: x\n", Unknown, "no CapEff"},
		{"user namespace", "proc/self/uid_map", "0 100000 65536\n", Missing, "container"},
		// In another user namespace all capabilities may be there, and count for nothing.
		{"CAP_BPF", "proc/self/uid_map", "0 100000 65536\n", Missing, "no effect"},
		{"CAP_SYS_ADMIN", "proc/self/uid_map", "0 100000 65536\n", Missing, "outside"},
		{"CAP_SYS_RESOURCE", "proc/self/uid_map", "0 100000 65536\n", Missing, "no effect"},
		{"CAP_NET_BIND_SERVICE", "proc/self/uid_map", "0 100000 65536\n", Works, "belongs"},
		{"kernel.unprivileged_bpf_disabled", "proc/self/uid_map", "0 1 1\n", Missing, "outside"},
		{"kernel.perf_event_paranoid", "proc/self/uid_map", "0 1 1\n", Missing, "outside"},
		{"RLIMIT_NPROC", "proc/self/uid_map", "0 1 1\n", Works, "65536 tasks of this user"},
		{"user namespace", "proc/self/uid_map", "", Unknown, "uid_map"},
		{"kernel.unprivileged_bpf_disabled", "proc/thread-self/status", nobody, Missing, "as root"},
		{"kernel.perf_event_paranoid", "proc/thread-self/status", nobody, Missing, "perf_event_paranoid=1"},
		{"kernel.perf_event_paranoid", "proc/sys/kernel/perf_event_paranoid", "-1\n", Works, "-1"},
		{"kernel.io_uring_disabled", ioUring, "1\n", Works, "1"}, // for CAP_SYS_ADMIN
		{"kernel.io_uring_disabled", ioUring, "2\n", Missing, "io_uring_disabled=0"},
		{"kernel.io_uring_disabled", ioUring, "", Works, "no such setting"},
		{"kernel.io_uring_disabled", ioUring, "off\n", Unknown, `"off"`},
		{"net.core.somaxconn", "proc/sys/net/core/somaxconn", "128\n", Missing, "somaxconn=4096"},
		{"net.ipv4.tcp_tw_reuse", "proc/sys/net/ipv4/tcp_tw_reuse", "0\n", Missing, "tcp_tw_reuse=2"},
		{"net.ipv4.ip_local_port_range", ports, "60000\t60999\n", Missing, "1000 ports"},
		{"net.ipv4.ip_local_port_range", ports, "1\n", Unknown, ""},
		{"kernel.threads-max", "proc/sys/kernel/threads-max", "4000\n", Missing, "kernel.threads-max=32768"},
		{"kernel.pid_max", "proc/sys/kernel/pid_max", "4000\n", Missing, "kernel.pid_max=32768"},
		// The limit of the group above binds as well.
		{"pids cgroup", "sys/fs/cgroup/user.slice/pids.max", "512\n", Missing, "echo max > /sys/fs/cgroup/user.slice/pids.max"},
		{"pids cgroup", "sys/fs/cgroup/user.slice/s/pids.max", "100\n", Missing, "100 tasks in /sys/fs/cgroup/user.slice/s"},
		{"pids cgroup", "proc/self/mountinfo", "1 1 0:1 / / rw - ext4 /dev/x rw\n", Unknown, "no cgroup file system"},
	} {
		f, ok := look(t, map[string]string{c.file: c.text}, nil)[c.name]
		if !ok || f.Status != c.status || !strings.Contains(f.Value+" "+f.Remedy, c.words) {
			t.Errorf("%s with %q in %s: %+v, want %s and %q",
				c.name, c.text, c.file, f, c.status, c.words)
		}
	}
}

// The pids controller of cgroup v1 counts before cgroup v2, and in a container the mount shows only
// a part of the tree.
func TestDoctorPidsCgroupV1(t *testing.T) {
	f := look(t, map[string]string{
		"proc/self/cgroup": "8:pids:/docker/abc\n0::/\n",
		"proc/self/mountinfo": "31 1 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" +
			"39 1 0:36 /docker/abc /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n" +
			"41 1 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
		"sys/fs/cgroup/pids/pids.max": "100\n",
	}, nil)["pids cgroup"]
	if f.Status != Missing || !strings.Contains(f.Value, "100 tasks in /sys/fs/cgroup/pids:") {
		t.Errorf("%+v", f)
	}
}

func TestDoctorLimits(t *testing.T) {
	const nobody = "CapEff:\t0000000000000000\n"
	few := func(m *machine) {
		m.limit = func(int) (uint64, uint64, error) { return 1024, unix.RLIM_INFINITY, nil }
	}
	found := look(t, map[string]string{"proc/thread-self/status": nobody}, few)
	for _, name := range []string{"RLIMIT_NOFILE", "RLIMIT_NPROC"} {
		if f := found[name]; f.Status != Missing ||
			!strings.Contains(f.Value, "1024") ||
			!strings.Contains(f.Value, "hard limit unlimited") {
			t.Errorf("%+v", f)
		}
	}
	// RLIMIT_NPROC does not bind root.
	if f := look(t, nil, few)["RLIMIT_NPROC"]; f.Status != Works {
		t.Errorf("%+v", f)
	}
	none := func(m *machine) {
		m.limit = func(int) (uint64, uint64, error) { return 0, 0, errors.New("not today") }
		m.cpus = 1
	}
	found = look(t, map[string]string{"proc/thread-self/status": nobody}, none)
	if f := found["RLIMIT_NOFILE"]; f.Status != Unknown || f.Value != "not today" {
		t.Errorf("%+v", f)
	}
	if f := found["number"]; f.Status != Missing || !strings.Contains(f.Remedy, "two CPUs") {
		t.Errorf("%+v", f)
	}
}
