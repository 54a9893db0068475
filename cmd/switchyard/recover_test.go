package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard/internal/record"
	"switchyard/internal/report"
	rundir "switchyard/internal/run"
	"switchyard/internal/testenv"
	"switchyard/trace/event"
	"switchyard/trace/spool"
)

// opened waits until a recording's spool tells of a time in its window, and returns how long the
// spool is: what is cut off before has nothing to be recovered.
func opened(t *testing.T, dir string, detail func() string) (size int64) {
	t.Helper()
	testenv.Eventually(t, "window in the spool", func() bool {
		f, err := os.Open(filepath.Join(dir, record.SpoolName))
		if err != nil {
			return false
		}
		defer f.Close()
		rec, err := spool.Read(f)
		if err != nil || !rec.Opens() {
			return false
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		size = info.Size()
		return true
	}, detail)
	return size
}

// A FIFO in the place of any file of a recording, or of the recording itself, is refused at once.
func TestReportFIFO(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, record.SpoolName)
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	mustFail(t, 1, []string{"recover", dir}, "not a regular file")
	mustFail(t, 1, []string{"report", fifo}, "not a directory")
	mustFail(t, 1, []string{"recover", fifo}, "not a directory")
	if err := unix.Mkfifo(filepath.Join(dir, "manifest.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustFail(t, 1, []string{"report", dir}, "regular file")
}

// A directory that the tables could not be written to is refused before the window.
func TestTraceOutLink(t *testing.T) {
	skipUntraceable(t)
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "real"), 0o700),
		os.Symlink("real", link)); err != nil {
		t.Fatal(err)
	}
	marker := filepath.Join(dir, "ran")
	mustFail(t, 1, []string{"trace", "--record", "--out", link, "--calibrate=false", "--",
		"/usr/bin/touch", marker}, "symbolic link")
	if _, err := os.Stat(marker); err == nil {
		t.Error("the command was run")
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "real")); len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
}

// What a killed recording leaves belongs to the user who called sudo, and that user can complete
// it.
func TestRecoverAsUser(t *testing.T) {
	skipUntraceable(t)
	if os.Geteuid() != 0 {
		testenv.Skip(t, "not root", traceable)
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err1 := strconv.Atoi(nobody.Uid)
	gid, err2 := strconv.Atoi(nobody.Gid)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	// t.TempDir is below a directory that is closed to others
	dir, err := os.MkdirTemp("/var/tmp", "switchyard-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(dir, "run")
	cmd := testenv.Program(t, "switchyard", "trace", "--record", "--all", "--out", run)
	cmd.Env = append(cmd.Env, fmt.Sprint("SUDO_UID=", uid), fmt.Sprint("SUDO_GID=", gid))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(run, record.SpoolName)
	opened(t, run, errs.String)
	cmd.Process.Kill()
	cmd.Wait()
	for _, name := range []string{run, file} {
		var st unix.Stat_t
		if err := unix.Stat(name, &st); err != nil || int(st.Uid) != uid || int(st.Gid) != gid {
			t.Errorf("%s: %v, of %d:%d, want %d:%d", name, err, st.Uid, st.Gid, uid, gid)
		}
	}
	recover := testenv.Program(t, "switchyard", "recover", run)
	// The test binary is below a directory that is closed to others.
	binary, err := os.ReadFile(recover.Path)
	if err != nil {
		t.Fatal(err)
	}
	recover.Path = filepath.Join(dir, "switchyard")
	if err := os.WriteFile(recover.Path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	recover.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid),
		Gid: uint32(gid)}}
	recover.Dir = dir
	if out, err := recover.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	complete(t, run)
}

// A spool that can grow no further ends the window at once. What there is of it is recovered, and
// its checks hold.
func TestTraceSpoolFull(t *testing.T) {
	skipUntraceable(t)
	dir := filepath.Join(t.TempDir(), "run")
	cmd := testenv.Program(t, "switchyard", "trace", "--record", "--all", "--calibrate=false",
		"--out", dir)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	spooled := opened(t, dir, errs.String)
	// The signal that comes with it would end the program, too (SIGXFSZ).
	full := unix.Rlimit{Cur: uint64(spooled) + 256<<10, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_FSIZE, &full, nil); err != nil {
		cmd.Process.Kill()
		t.Fatal(err)
	}
	// Something to record, until it is full.
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				exec.Command("/bin/true").Run()
			}
		}
	}()
	err := cmd.Wait()
	close(stop)
	<-stopped
	if err == nil || !strings.Contains(errs.String(), "file too large") ||
		!strings.Contains(errs.String(), "switchyard recover "+dir) {
		t.Fatalf("%v: %s", err, errs.String())
	}
	o := runCommand(t, "recover", dir)
	if o.code != 0 || !strings.Contains(o.stdout, "cut off") {
		t.Errorf("recover: exit code %d: %s%s", o.code, o.stdout, o.stderr)
	}
	complete(t, dir)
}

// A run that was recorded on another architecture is shown as that one calls its system calls, and
// as of that machine.
func TestReportOtherArchitecture(t *testing.T) {
	for arch, want := range map[string]map[string]uint64{
		"arm64": {"getpid": 2, "getpid@arm": 1},
		"amd64": {"iopl": 2, "getpid@i386": 1},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		w, err := rundir.Create(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		for i, e := range []event.Event{
			{Kind: event.SyscallEnter, Value: 172},
			{Kind: event.SyscallEnter, Value: 172},
			{Kind: event.SyscallEnter, Value: 20, Flags: event.FlagCompat},
		} {
			e.Time, e.Other = int64(2000+i), event.NoTask
			e.Flags |= event.FlagTaskTraced
			if err := w.Event(&e); err != nil {
				t.Fatal(err)
			}
		}
		w.Tasks([]event.Task{{TID: 7, TGID: 7, Name: "caller", Parent: event.NoTask, Traced: true}})
		if err := w.Commit(rundir.Manifest{
			Host: event.Host{Name: "elsewhere", Kernel: "9.9-elsewhere", Arch: arch, CPUs: 96,
				Model: "a board", Go: "go1.99"},
			Window:  event.Window{Open: 1000, Close: 9000},
			Options: rundir.Options{Of: "caller", Syscalls: true, Online: 96},
		}); err != nil {
			t.Fatal(err)
		}
		o := runCommand(t, "report", dir, "--format", "json")
		var r report.Trace
		if err := json.Unmarshal([]byte(o.stdout), &r); err != nil {
			t.Fatalf("%v: %s%s", err, o.stdout, o.stderr)
		}
		if !maps.Equal(callsOf(r.Values), want) {
			t.Errorf("%s: system calls %v, want %v", arch, callsOf(r.Values), want)
		}
		if h := (report.Host{Host: event.Host{Kernel: "9.9-elsewhere", CPUs: 96, Model: "a board",
			Go: "go1.99"}}); r.Host != h {
			t.Errorf("%s: of %+v, want %+v", arch, r.Host, h)
		}
	}
}
