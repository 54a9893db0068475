// Command switchyard runs server designs, puts load on them and shows what
// they make the kernel do. See README.md, or run it with --help.
package main

import (
	"os"

	"switchyard/fork"
)

func main() {
	// A server of fork/exec runs this program again for each connection where
	// switchyard-child is missing; that must come to its work before anything
	// else does.
	fork.Child()
	os.Exit(Main(ProcessEnv()))
}
