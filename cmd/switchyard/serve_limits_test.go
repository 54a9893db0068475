package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard/internal/report"
	"switchyard/internal/testenv"
)

// limited is this test binary's program, run by a shell that has lowered a limit of its own with
// ulimit.
func limited(t *testing.T, limit, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := testenv.Program(t, program, args...)
	cmd.Args = append([]string{"sh", "-c", "ulimit " + limit + ` && exec "$@"`, "sh", cmd.Path},
		args...)
	cmd.Path = "/bin/sh"
	return cmd
}

// With too few descriptors a server says so in one line, with the remedy, and with a few more it
// serves: it never ends in a stack trace of the Go runtime.
func TestServeFewDescriptors(t *testing.T) {
	// With fewer the runtime dies before main: a package reads random bytes when it is initialised,
	// which sets a timer (crypto/internal/sysrand).
	least := 5
	for least < 32 &&
		limited(t, fmt.Sprintf("-n %d", least), "switchyard", "version").Run() != nil {
		least++
	}
	if least > 10 {
		t.Errorf("the program needs %d descriptors to begin with", least)
	}
	for _, model := range []string{"threads/pool", "fork/fd-pass", "poll/epoll", "poll/poll"} {
		serves := false
		for n := least; n < 32; n++ {
			cmd := limited(t, fmt.Sprintf("-n %d", n), "switchyard", "serve", model, "--listen",
				"127.0.0.1:0", "--spins", "1000")
			stderr := newRecorder()
			cmd.Stderr = stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			testenv.Until(func() bool {
				serves = strings.HasPrefix(stderr.String(), "listening on ")
				return serves || len(ended) > 0
			})
			if serves {
				cmd.Process.Signal(unix.SIGTERM)
			}
			<-ended
			said := stderr.String()
			if code := cmd.ProcessState.ExitCode(); serves && code != 0 {
				t.Errorf("%s with %d descriptors: exit code %d:\n%s", model, n, code, said)
			} else if !serves &&
				(code != 1 || strings.Count(said, "\n") != 1 ||
					!strings.Contains(said, "ulimit -n")) {
				t.Errorf("%s with %d descriptors: exit code %d:\n%s", model, n, code, said)
			}
			if serves {
				break
			}
		}
		if !serves {
			t.Errorf("%s does not serve with 31 descriptors", model)
		}
	}
}

func TestWords(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("a\nb: %w", unix.EMFILE), "a; b: too many open files (raise ulimit -n)"},
		{fmt.Errorf("%w: ulimit -n 7", unix.EMFILE), "too many open files: ulimit -n 7"},
		{unix.ENFILE, "too many open files in system (raise the sysctl fs.file-max)"},
		{unix.EPERM, "operation not permitted"},
	} {
		if got := report.Words(test.err); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	if got := report.Words(fmt.Errorf("mmap 7 bytes: %w", unix.ENOMEM)); !strings.Contains(got, "vm.max_map_count") {
		t.Errorf("no memory: %q names no remedy", got)
	}
}
