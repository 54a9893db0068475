package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const programVar = "SWITCHYARD_TEST_PROGRAM"

// Program is a command that runs a program of this test binary, one of those given to Main, with
// args as os.Args[1:]. It is killed when the test's context ends.
func Program(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(withoutProgram(os.Environ()), programVar+"="+name)
	return cmd
}

// runProgram runs the program this process was started for, if it was.
func runProgram(programs map[string]func() int) {
	name, ok := os.LookupEnv(programVar)
	if !ok {
		return
	}
	run, ok := programs[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "test program %q: not in this binary\n", name)
		os.Exit(2)
	}
	// What the program starts of this same binary is not the program again.
	os.Unsetenv(programVar)
	os.Exit(run())
}

func withoutProgram(env []string) []string {
	var kept []string
	for _, e := range env {
		if !strings.HasPrefix(e, programVar+"=") {
			kept = append(kept, e)
		}
	}
	return kept
}
