package testenv

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

const suiteVar = "SWITCHYARD_TEST_SUITE"

// first says no to tests that one of themselves runs without asking for it: a program under test
// that starts itself anew would run them all, and these again.
func first() error {
	self, err := os.Executable()
	if err != nil {
		return nil // no /proc: nothing can start itself
	}
	asked := slices.ContainsFunc(os.Args, func(s string) bool {
		return strings.HasPrefix(s, "-test.")
	})
	if os.Getenv(suiteVar) == self && !asked {
		return fmt.Errorf("%s %q: started by one of its tests as no program of theirs: want testenv.Program",
			self, os.Args[1:])
	}
	return os.Setenv(suiteVar, self)
}

// Main is what a package's TestMain calls:
//
//	func TestMain(m *testing.M) { os.Exit(testenv.Main(m, nil)) }
//
// It runs the tests and fails the package when descriptors, child processes, named threads or BPF
// programs are left. programs are those that Program can start.
func Main(m *testing.M, programs map[string]func() int) int {
	runProgram(programs)
	if err := first(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	giveSignalsBack()
	before := Take()
	bpf := bpfPrograms()
	code := m.Run()
	left := append(before.left(patience), bpfLeft(bpf, patience)...)
	for _, what := range left {
		fmt.Fprintf(os.Stderr, "left behind by the package's tests: %s\n", what)
	}
	if code == 0 && len(left) > 0 {
		code = 1
	}
	return code
}
