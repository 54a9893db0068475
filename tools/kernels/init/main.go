// Init is the first process of a guest: it runs the jobs of /jobs, one after the other, prints what
// they print, with lines of its own in between, and ends the machine.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if os.Getpid() != 1 {
		jobs()
		return
	}
	prepare()
	// PID 1 inherits everybody's orphans and must wait for whoever ends; whoever starts programs
	// waits for his own.
	runner, err := os.StartProcess("/init", []string{"/init"}, &os.ProcAttr{Env: os.Environ(),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		say("failed %v", err)
	}
	for err == nil {
		pid, werr := syscall.Wait4(-1, nil, 0, nil)
		if werr == syscall.EINTR {
			continue
		}
		if werr != nil || pid == runner.Pid {
			break
		}
	}
	say("done")
	// The console is slower than the machine: what is written must have left it.
	unix.IoctlSetInt(1, unix.TCSBRK, 1)
	unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
}

// say prints a line that is not a job's.
func say(format string, args ...any) { fmt.Printf("\n@@ "+format+"\n", args...) }

// prepare makes the machine one that programs can live in.
func prepare() {
	os.Setenv("PATH", "/bin")
	os.Setenv("HOME", "/tmp")
	os.Setenv("SWITCHYARD_EMULATED", "1") // for tests that look at time
	for _, m := range []struct{ kind, at string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"},
		{"tmpfs", "/run"},
	} {
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			say("failed mount %s: %v", m.at, err)
		}
	}
	// Tracepoints' files, for whoever looks; not every kernel has them.
	unix.Mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, "")
	// Cgroups as systemd has them: version 2, and the CPU controller on below the root.
	if err := cgroups("/sys/fs/cgroup"); err != nil {
		say("failed cgroups: %v", err)
	}
	if err := loopback(); err != nil {
		say("failed loopback: %v", err)
	}
	// As a login would have it: the kernel's own limit is for daemons.
	unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1024, Max: 1 << 19})
	// A real-time task that waits for a slow CPU is not one that keeps others from it: no
	// throttling (sched(7)).
	if err := os.WriteFile("/proc/sys/kernel/sched_rt_runtime_us", []byte("-1"), 0); err != nil {
		say("failed %v", err)
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		say("release %s", unix.ByteSliceToString(u.Release[:]))
	}
}

// cgroups mounts the cgroup file system (cgroups(7)).
func cgroups(at string) error {
	if err := unix.Mount("cgroup2", at, "cgroup2", 0, ""); err != nil {
		return err
	}
	return os.WriteFile(at+"/cgroup.subtree_control", []byte("+cpu"), 0)
}

// loopback brings the interface lo up (netdevice(7)).
func loopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, r)
}

func jobs() {
	list, err := os.ReadFile("/jobs")
	if err != nil {
		say("failed %v", err)
		return
	}
	for line := range strings.Lines(string(list)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		seconds, err := strconv.Atoi(f[1])
		if err != nil {
			say("failed %v", err)
			return
		}
		say("begin %s", f[0])
		say("end %v", job(time.Duration(seconds)*time.Second, f[2], f[3:]))
	}
}

// job runs a program, and everything it starts, for no longer than the limit. It returns 0 or what
// went wrong.
func job(limit time.Duration, program string, args []string) any {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/tmp"
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return fmt.Sprintf("killed after %v", limit)
	case err != nil:
		return err
	}
	return 0
}
