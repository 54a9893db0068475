// Command switchyard-child is what a server of fork/exec starts for each connection: the connection
// is its standard input, and it serves that and ends. It is started by `switchyard serve
// fork/exec`, which looks for it beside itself, and by nobody else. Package fork says why it is a
// program of its own.
package main

import (
	"os"

	"switchyard/fork"
)

func main() {
	fork.Child()
	os.Stderr.WriteString("switchyard-child: it serves one connection of a server of fork/exec, which starts it: run switchyard serve fork/exec\n")
	os.Exit(2)
}
