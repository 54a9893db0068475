package testenv

import (
	"fmt"
	"os"
	"testing"
)

// Main is what a package's TestMain calls:
//
//	func TestMain(m *testing.M) { os.Exit(testenv.Main(m, nil)) }
//
// It runs the tests and fails the package when descriptors, child processes,
// named threads or BPF programs are left. programs are those that Program can
// start.
func Main(m *testing.M, programs map[string]func() int) int {
	runProgram(programs)
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
