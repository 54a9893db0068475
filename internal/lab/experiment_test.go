package lab

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"switchyard/internal/child"
	"switchyard/internal/load"
	"switchyard/internal/record"
	"switchyard/internal/testenv"
	"switchyard/trace"
)

// TestExperiment: which system calls does a server make for a request, that has a thread wait for
// each client, and which one that waits for all of them at once?
func TestExperiment(t *testing.T) {
	switch r, err := trace.OpenRecorder(trace.RecordOptions{}); {
	case errors.Is(err, os.ErrPermission), errors.Is(err, errors.ErrUnsupported):
		testenv.Skip(t, err.Error(), tracing)
	case err != nil:
		t.Fatal(err)
	default:
		r.Close()
	}
	program := filepath.Join(t.TempDir(), "switchyard")
	if out, err := exec.Command("go", "build", "-o", program,
		"switchyard/cmd/switchyard").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for model, waits := range map[string]string{
		"threads/pool": "read", "poll/epoll": "epoll_wait",
	} {
		calls, answered, err := callsOf(t.Context(), program, model, t.TempDir())
		if err != nil {
			t.Fatalf("%s: %v", model, err)
		}
		t.Logf("%s: %d requests, %v", model, answered, calls)
		if answers := calls["write"] + calls["sendto"]; answers != answered {
			t.Errorf("%s: %d answers, and %d requests that were answered", model, answers, answered)
		}
		if calls["read"] < answered || calls[waits] == 0 {
			t.Errorf("%s: %d times read, %d times %s", model, calls["read"], calls[waits], waits)
		}
	}
}

// callsOf records a server under load, and returns how often it made each system call and how many
// requests it answered.
func callsOf(ctx context.Context, program, model, dir string) (calls map[string]uint64,
	answered uint64, err error) {
	child.Locked(func() { // what it starts dies with it
		var result *load.Result
		if result, err = recordServer(ctx, program, model, dir); err == nil {
			answered = result.Answered()
			calls, err = readCalls(dir)
		}
	})
	return calls, answered, err
}

// recordServer leaves a run in the directory.
func recordServer(ctx context.Context, program, model, dir string) (*load.Result, error) {
	d, err := record.Create(dir, nil)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	s, err := child.StartServer(ctx, child.ServerOptions{Program: program, Model: model})
	if err != nil {
		return nil, err
	}
	defer s.Terminate(2 * time.Second)
	r, err := trace.OpenRecorder(trace.RecordOptions{Probes: []string{"record_syscall"}})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if err := r.Follow(s.PID()); err != nil {
		return nil, err
	}
	// Its clients are connected when it is there, and wait.
	l, err := child.StartLoad(ctx, child.LoadOptions{Program: program, Load: load.Config{
		Target: s.URL("/"), Clients: 4, Duration: 100 * time.Millisecond}})
	if err != nil {
		return nil, err
	}
	defer l.Kill()
	// The window opens and closes while no request is outstanding.
	if err := r.Start(d.Spool()); err != nil {
		return nil, err
	}
	if err := l.Begin(); err != nil {
		return nil, err
	}
	if err := l.Done(ctx); err != nil {
		return nil, err
	}
	if _, err := r.Stop(); err != nil {
		return nil, err
	}
	result, err := l.Result(ctx)
	if err != nil {
		return nil, err
	}
	return result, record.Convert(d, record.Extra{Of: model})
}

// readCalls reads the run: anywhere, without a privilege.
func readCalls(dir string) (map[string]uint64, error) {
	r, err := record.OpenRun(dir)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var calls record.Syscalls
	err = record.Replay(r, &calls)
	return calls.Counts, err
}

// tracing says why a machine cannot be traced, nil if it can.
func tracing() error {
	if os.Geteuid() != 0 {
		return errors.New("not root")
	}
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	return err
}

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, nil)) }
