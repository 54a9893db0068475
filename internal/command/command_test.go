package command

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, nil)) }

// begin starts a script on this thread, which must be locked.
func begin(t *testing.T, script string) *Command {
	t.Helper()
	t.Cleanup(func() { unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
	c, err := Start([]string{"/bin/sh", "-c", script})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStatus(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for script, want := range map[string]struct {
		status int
		words  string
	}{
		"exit 0":        {0, ""},
		"exit 7":        {7, "exit status 7"},
		"kill -SEGV $$": {128 + int(unix.SIGSEGV), "segmentation fault"},
	} {
		c := begin(t, script)
		if c.Ended() {
			t.Error("it has ended before its first instruction")
		}
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		<-c.Exited()
		status, err := c.End(nil)
		if status != want.status || (err == nil) != (want.words == "") ||
			err != nil && !strings.Contains(err.Error(), want.words) {
			t.Errorf("%q: %d, %v; want %d, %q", script, status, err, want.status, want.words)
		}
		if status, err := c.End(nil); status != 0 || err != nil {
			t.Errorf("%q, a second time: %d, %v", script, status, err)
		}
	}
	c := begin(t, "exit 9")
	if status, err := c.End(nil); status != 0 || err != nil {
		t.Errorf("never let go: %d, %v", status, err)
	}
	if status, err := (*Command)(nil).End(nil); status != 0 || err != nil {
		t.Errorf("none: %d, %v", status, err)
	}
}

// What cannot be run has the exit code that shells have for it, and a plain line.
func TestNotStarted(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	t.Cleanup(func() { unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
	plain := filepath.Join(t.TempDir(), "plain")
	text := filepath.Join(t.TempDir(), "text")
	if err := errors.Join(os.WriteFile(plain, nil, 0o600),
		os.WriteFile(text, []byte("no program"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		status int
		words  string
	}{
		"/no/such/program": {127, "/no/such/program: no such file or directory"},
		"no-such-program":  {127, "no-such-program: executable file not found in $PATH"},
		plain:              {126, plain + ": permission denied"},
		text:               {126, text + ": exec format error"},
	} {
		_, err := Start([]string{name})
		var no *NotStarted
		if !errors.As(err, &no) || no.Status() != want.status || err.Error() != want.words {
			t.Errorf("%s: %v, want %d, %s", name, err, want.status, want.words)
		}
	}
}

// After End this process has children of its own again, whatever orphans of the command still end.
func TestOwnChildrenAfterEnd(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	// The orphan's standard input is at its end when w is closed.
	stdin := os.Stdin
	os.Stdin = r
	c := begin(t, "{ cat; } <&0 & exit 0")
	os.Stdin = stdin
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	<-c.Exited()
	if _, err := c.End(nil); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		if i == 10 {
			w.Close()
		}
		if err := exec.Command("/bin/true").Run(); err != nil {
			t.Fatalf("child %d: %v", i, err)
		}
	}
	// The orphan is this process's to wait for.
	for {
		if pid, err := unix.Wait4(-1, nil, 0, nil); pid <= 0 && err != unix.EINTR {
			break
		}
	}
}
