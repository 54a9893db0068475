package fork

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"switchyard/internal/testenv"
)

// beside makes a directory with a copy of this test binary, and runs program there.
func beside(t *testing.T, dir, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := testenv.Program(t, program, args...)
	binary, err := os.ReadFile(cmd.Path)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path = filepath.Join(dir, "server")
	if err := os.WriteFile(cmd.Path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// started is the file that is run for a connection of a server in dir, and what the model says of
// it.
func started(t *testing.T, dir string) (file, said string) {
	t.Helper()
	cmd := beside(t, dir, "serve", "fork/exec")
	p := startServing(t, cmd)
	c := p.dial()
	c.get("/", "one")
	children := childrenOf(cmd.Process.Pid)
	if len(children) != 1 {
		t.Fatalf("children %v, want one", children)
	}
	file, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", children[0]))
	if err != nil {
		t.Fatal(err)
	}
	c.get("/", "one")
	c.Close()
	p.finish()
	out, err := beside(t, dir, "program of exec").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(file), strings.TrimSpace(string(out))
}

// The small program is started for a connection where it stands beside the executable, is of the
// same build and cannot be somebody else's; otherwise the executable is, and the model says why.
func TestExecStartsTheSmallProgram(t *testing.T) {
	testenv.Check(t)
	if err := haveExec(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	small := filepath.Join(dir, childName)
	want := func(what, wantFile, wantSaid string) {
		t.Helper()
		file, said := started(t, dir)
		if file != wantFile || !strings.HasPrefix(said, wantFile) ||
			!strings.Contains(said, wantSaid) {
			t.Errorf("%s: it starts %s, and says %q; want %s, and %q",
				what, file, said, wantFile, wantSaid)
		}
	}
	want("nothing is there", "server", "(no switchyard-child stands beside it)")

	buildSmall(t, small)
	if err := os.Chmod(small, 0o755); err != nil {
		t.Fatal(err)
	}
	want("it is there", childName, childName)
	if err := os.Chmod(small, 0o777); err != nil {
		t.Fatal(err)
	}
	want("anybody may write it", "server", "others may write")
	if err := os.WriteFile(small, []byte("#!/bin/sh\necho another"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(small, 0o755); err != nil {
		t.Fatal(err)
	}
	want("it is something else", "server", "of another build")
	if err := os.WriteFile(small, []byte("nothing"), 0o755); err != nil {
		t.Fatal(err)
	}
	want("it is no program", "server", "does not run")
}

// buildSmall builds the small program, as a test is built.
func buildSmall(t *testing.T, file string) {
	t.Helper()
	gotool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to build the program with")
	}
	if _, err := os.Stat("exec_program.go"); err != nil {
		t.Skip("no source to build the program from: the test does not run in its directory")
	}
	cmd := exec.CommandContext(t.Context(), gotool, "build", "-buildvcs=false", "-o", file,
		"switchyard/cmd/switchyard-child")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// Run by hand it says whose it is.
func TestSmallProgramByHand(t *testing.T) {
	small := filepath.Join(t.TempDir(), childName)
	buildSmall(t, small)
	out, err := exec.CommandContext(t.Context(), small, "4").CombinedOutput()
	said, lines := string(out), strings.Count(string(out), "\n")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("it ends with %v", err)
	}
	if lines != 1 || !strings.Contains(said, "switchyard serve fork/exec") {
		t.Errorf("it says %q", said)
	}
}
