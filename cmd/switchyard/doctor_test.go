package main

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/proc"
	"switchyard/internal/testenv"
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

// look examines a machine that differs from a healthy one by some files (an
// empty text takes the file away).
func look(t *testing.T, change map[string]string, also func(*machine)) map[string]finding {
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
	found := map[string]finding{}
	for _, f := range [][]finding{lookKernel(m), lookCPUs(m), lookPrivileges(m), lookSysctls(m), lookLimits(m)} {
		for _, f := range f {
			if _, twice := found[f.Name]; twice {
				t.Errorf("%s is found twice", f.Name)
			}
			found[f.Name] = f
			if (f.Status == statusMissing) != (f.Remedy != "") {
				t.Errorf("%s: %s, remedy %q", f.Name, f.Status, f.Remedy)
			}
		}
	}
	return found
}

func TestDoctorOfAHealthyMachine(t *testing.T) {
	found := look(t, nil, nil)
	for _, f := range found {
		if f.Status != statusWorks {
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
	const nobody = "CapEff:\t0000000000000000\n"
	for _, c := range []struct {
		name   string
		file   string
		text   string
		status string
		words  string // in the value or the remedy
	}{
		{"BTF", "sys/kernel/btf/vmlinux", "", statusMissing, "CONFIG_DEBUG_INFO_BTF"},
		{"lockdown", "sys/kernel/security/lockdown", "none integrity [confidentiality]", statusMissing, "lockdown=integrity"},
		{"lockdown", "sys/kernel/security/lockdown", "none [integrity] confidentiality", statusWorks, "integrity"},
		{"lockdown", "sys/kernel/security/lockdown", "", statusWorks, "none"},
		{"clock source", "sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet", statusMissing, "clocksource=tsc"},
		{"clock source", "sys/devices/system/clocksource/clocksource0/current_clocksource", "", statusUnknown, ""},
		{"hypervisor", "proc/cpuinfo", "flags : a hypervisor b\n", statusWorks, "yes"},
		{"hypervisor", "proc/cpuinfo", "Features : a b\n", statusWorks, "none"},
		{"steal", "proc/stat", "cpu  100 0 100 700 0 0 0 100 0 0\n", statusMissing, "10.0 %"},
		{"steal", "proc/stat", "cpu  1 2 3\n", statusUnknown, "no steal"},
		{"steal", "proc/stat", "cpu  0 0 0 0 0 0 0 0 0 0\n", statusUnknown, "no time"},
		{"steal", "proc/stat", "cpu  0 0 0 x 0 0 0 0 0 0\n", statusUnknown, `"x"`},
		{"CAP_BPF", "proc/thread-self/status", nobody, statusMissing, "as root"},
		{"CAP_PERFMON", "proc/thread-self/status", nobody, statusMissing, "as root"},
		{"CAP_SYS_ADMIN", "proc/thread-self/status", nobody, statusMissing, "as root"},
		{"CAP_NET_BIND_SERVICE", "proc/thread-self/status", nobody, statusMissing, "above 1023"},
		// CAP_SYS_ADMIN alone, bit 21, stands for the two.
		{"CAP_BPF", "proc/thread-self/status", "CapEff:\t0000000000200000\n", statusWorks, "stands for it"},
		// CAP_PERFMON and CAP_BPF, bits 38 and 39, need no CAP_SYS_ADMIN.
		{"CAP_SYS_ADMIN", "proc/thread-self/status", "CapEff:\t000000c000000000\n", statusWorks, "not needed"},
		{"CAP_SYS_ADMIN", "proc/thread-self/status", "CapEff:\t0000008000000000\n", statusMissing, "as root"},
		{"capabilities", "proc/thread-self/status", "CapEff:\tmany\n", statusUnknown, `"many"`},
		{"capabilities", "proc/thread-self/status", "Name: x\n", statusUnknown, "no CapEff"},
		{"user namespace", "proc/self/uid_map", "0 100000 65536\n", statusMissing, "container"},
		// In another user namespace all capabilities may be there, and count for nothing.
		{"CAP_BPF", "proc/self/uid_map", "0 100000 65536\n", statusMissing, "no effect"},
		{"CAP_SYS_ADMIN", "proc/self/uid_map", "0 100000 65536\n", statusMissing, "outside"},
		{"CAP_SYS_RESOURCE", "proc/self/uid_map", "0 100000 65536\n", statusMissing, "no effect"},
		{"CAP_NET_BIND_SERVICE", "proc/self/uid_map", "0 100000 65536\n", statusWorks, "belongs"},
		{"kernel.unprivileged_bpf_disabled", "proc/self/uid_map", "0 1 1\n", statusMissing, "tracing"},
		{"kernel.perf_event_paranoid", "proc/self/uid_map", "0 1 1\n", statusMissing, "CAP_PERFMON"},
		{"RLIMIT_NPROC", "proc/self/uid_map", "0 1 1\n", statusWorks, "65536 tasks of this user"},
		{"user namespace", "proc/self/uid_map", "", statusUnknown, "uid_map"},
		{"kernel.unprivileged_bpf_disabled", "proc/thread-self/status", nobody, statusMissing, "as root"},
		{"kernel.perf_event_paranoid", "proc/thread-self/status", nobody, statusMissing, "perf_event_paranoid=1"},
		{"kernel.perf_event_paranoid", "proc/sys/kernel/perf_event_paranoid", "-1\n", statusWorks, "-1"},
		{"kernel.io_uring_disabled", "proc/sys/kernel/io_uring_disabled", "1\n", statusWorks, "1"}, // for CAP_SYS_ADMIN
		{"kernel.io_uring_disabled", "proc/sys/kernel/io_uring_disabled", "2\n", statusMissing, "io_uring_disabled=0"},
		{"kernel.io_uring_disabled", "proc/sys/kernel/io_uring_disabled", "", statusWorks, "no such setting"},
		{"kernel.io_uring_disabled", "proc/sys/kernel/io_uring_disabled", "off\n", statusUnknown, `"off"`},
		{"net.core.somaxconn", "proc/sys/net/core/somaxconn", "128\n", statusMissing, "somaxconn=4096"},
		{"net.ipv4.tcp_tw_reuse", "proc/sys/net/ipv4/tcp_tw_reuse", "0\n", statusMissing, "tcp_tw_reuse=2"},
		{"net.ipv4.ip_local_port_range", "proc/sys/net/ipv4/ip_local_port_range", "60000\t60999\n", statusMissing, "1000 ports"},
		{"net.ipv4.ip_local_port_range", "proc/sys/net/ipv4/ip_local_port_range", "1\n", statusUnknown, ""},
		{"kernel.threads-max", "proc/sys/kernel/threads-max", "4000\n", statusMissing, "kernel.threads-max=32768"},
		{"kernel.pid_max", "proc/sys/kernel/pid_max", "4000\n", statusMissing, "kernel.pid_max=32768"},
		// The limit of the group above binds as well.
		{"pids cgroup", "sys/fs/cgroup/user.slice/pids.max", "512\n", statusMissing, "echo max > /sys/fs/cgroup/user.slice/pids.max"},
		{"pids cgroup", "sys/fs/cgroup/user.slice/s/pids.max", "100\n", statusMissing, "100 tasks in /sys/fs/cgroup/user.slice/s"},
		{"pids cgroup", "proc/self/mountinfo", "1 1 0:1 / / rw - ext4 /dev/x rw\n", statusUnknown, "no cgroup file system"},
	} {
		f, ok := look(t, map[string]string{c.file: c.text}, nil)[c.name]
		if !ok || f.Status != c.status || !strings.Contains(f.Value+" "+f.Remedy, c.words) {
			t.Errorf("%s with %q in %s: %+v, want %s and %q", c.name, c.text, c.file, f, c.status, c.words)
		}
	}
}

// The pids controller of cgroup v1 counts before cgroup v2, and in a container
// the mount shows only a part of the tree.
func TestDoctorPidsCgroupV1(t *testing.T) {
	f := look(t, map[string]string{
		"proc/self/cgroup": "8:pids:/docker/abc\n0::/\n",
		"proc/self/mountinfo": "31 1 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" +
			"39 1 0:36 /docker/abc /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n" +
			"41 1 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
		"sys/fs/cgroup/pids/pids.max": "100\n",
	}, nil)["pids cgroup"]
	if f.Status != statusMissing || !strings.Contains(f.Value, "100 tasks in /sys/fs/cgroup/pids:") {
		t.Errorf("%+v", f)
	}
}

func TestDoctorLimits(t *testing.T) {
	const nobody = "CapEff:\t0000000000000000\n"
	few := func(m *machine) { m.limit = func(int) (uint64, uint64, error) { return 1024, unix.RLIM_INFINITY, nil } }
	found := look(t, map[string]string{"proc/thread-self/status": nobody}, few)
	for _, name := range []string{"RLIMIT_NOFILE", "RLIMIT_NPROC"} {
		if f := found[name]; f.Status != statusMissing || !strings.Contains(f.Value, "1024") || !strings.Contains(f.Value, "hard limit unlimited") {
			t.Errorf("%+v", f)
		}
	}
	// RLIMIT_NPROC does not bind root.
	if f := look(t, nil, few)["RLIMIT_NPROC"]; f.Status != statusWorks {
		t.Errorf("%+v", f)
	}
	none := func(m *machine) {
		m.limit = func(int) (uint64, uint64, error) { return 0, 0, errors.New("not today") }
		m.cpus = 1
	}
	found = look(t, map[string]string{"proc/thread-self/status": nobody}, none)
	if f := found["RLIMIT_NOFILE"]; f.Status != statusUnknown || f.Value != "not today" {
		t.Errorf("%+v", f)
	}
	if f := found["number"]; f.Status != statusMissing || !strings.Contains(f.Remedy, "two CPUs") {
		t.Errorf("%+v", f)
	}
}

func TestDoctor(t *testing.T) {
	o := runCommand(t, "doctor", "--format", "json")
	if o.code != exitDone || o.stderr != "" {
		t.Fatalf("exit code %d, standard error %q", o.code, o.stderr)
	}
	groups := map[string]int{}
	for _, v := range decode(t, o.stdout, "switchyard.doctor/1")["findings"].([]any) {
		f := v.(map[string]any)
		groups[f["group"].(string)]++
		switch f["status"] {
		case statusWorks, statusUnknown:
		case statusMissing:
			if f["remedy"] == "" {
				t.Errorf("no remedy: %v", f)
			}
		default:
			t.Errorf("status of %v", f)
		}
	}
	for _, g := range []string{"kernel", "CPUs", "privileges", "sysctls", "limits", "probes", "models"} {
		if groups[g] == 0 {
			t.Errorf("nothing was found of the %s", g)
		}
	}
	if n := len(switchyard.Models()); groups["models"] != n {
		t.Errorf("%d models, want %d", groups["models"], n)
	}
	text := runCommand(t, "doctor")
	for _, want := range []string{"\nmodels\n", never, "→ unsupported operation: never", " work, "} {
		if text.code != exitDone || !strings.Contains(text.stdout, want) {
			t.Errorf("doctor: exit code %d, no %q in:\n%s", text.code, want, text.stdout)
		}
	}
}

// Whoever is root of another user namespace is told so, and of no limit, by every command and every
// line of the doctor's that tells of tracing.
func TestUserNamespaceIsTheReason(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		testenv.Skip(t, "no kernel types (BTF)", traceable)
	}
	bin, err := exec.LookPath("unshare")
	if err != nil {
		t.Fatal(err)
	}
	inside := func(args ...string) (code int, out string) {
		cmd := testenv.Program(t, "switchyard", args...)
		cmd.Args = append([]string{bin, "--user", "--map-root-user", cmd.Path}, args...)
		cmd.Path = bin
		b, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(b)
	}
	if code, out := inside("version"); code != 0 {
		testenv.Skip(t, "no user namespace: "+out, func() error {
			return exec.Command(bin, "--user", "--map-root-user", "true").Run()
		})
	}
	for _, args := range [][]string{
		{"trace", "--count", "--all", "--duration", "100ms"},
		{"trace", "--record", "--all", "--duration", "100ms"},
		{"trace", "--switch-cost", "--all", "--duration", "100ms"},
		{"doctor", "--calibrate"},
	} {
		code, out := inside(args...)
		if code != 1 || strings.Count(out, "\n") != 1 || !strings.Contains(out, "user namespace") ||
			strings.Contains(out, "MEMLOCK") || strings.Contains(out, "ulimit") {
			t.Errorf("%q: exit code %d: %s", args, code, out)
		}
	}
	_, out := inside("doctor")
	told := 0
	for line := range strings.Lines(out) {
		if strings.Contains(line, "→ trace:") {
			told++
			if !strings.Contains(line, "user namespace") || strings.Contains(line, "MEMLOCK") {
				t.Error(line)
			}
		}
	}
	if told < 5 {
		t.Errorf("%d probes are missing, want all: %s", told, out)
	}
}
