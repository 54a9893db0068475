// Command bpf builds a BPF object and the Go file that embeds it: bpf2go with what all objects have
// in common. The file of a probe has it as its go:generate directive:
//
//	//go:generate go run switchyard/tools/bpf NAME bpf/NAME.bpf.c
//
// NAME is how the Go names begin. Whatever else bpf2go takes may stand before it, and behind the C
// file, after --, what the compiler takes. It needs clang-19 and llvm-19.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// common is the same for every object. They are built with this compiler and no other, so that they
// come out byte for byte the same. They hold no architecture's offsets: one object serves all
// little-endian machines.
var common = []string{"tool", "bpf2go", "-cc", "clang-19", "-strip", "llvm-strip-19",
	"-target", "bpfel", "-cflags", "-mcpu=v3 -Wall -Werror", "-no-global-types"}

func main() {
	cmd := exec.Command("go", append(common, os.Args[1:]...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		os.Exit(exit.ExitCode()) // it has said why
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bpf:", err)
		os.Exit(1)
	}
}
