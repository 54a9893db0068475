package sys

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Program is what execve(2) takes, laid out in memory outside the Go heap so that a forked child
// can use it as it is. Its owner calls Free.
type Program struct {
	memory     []byte
	path       uintptr
	argv, envp uintptr
	args       [][]byte
}

// NewProgram lays out a path, its arguments (the first is the program's name for itself) and its
// environment.
func NewProgram(path string, argv, envp []string) (*Program, error) {
	const word = int(unsafe.Sizeof(uintptr(0)))
	words := len(argv) + 1 + len(envp) + 1
	size := words*word + len(path) + 1
	for _, s := range append(append([]string{}, argv...), envp...) {
		size += len(s) + 1
	}
	memory, err := MapPrivate(size)
	if err != nil {
		return nil, fmt.Errorf("lay out a program: %w", err)
	}
	base := uintptr(unsafe.Pointer(unsafe.SliceData(memory)))
	p := &Program{memory: memory, argv: base, envp: base + uintptr((len(argv)+1)*word)}
	pointers := unsafe.Slice((*uintptr)(unsafe.Pointer(unsafe.SliceData(memory))), words)
	at := words * word
	put := func(s string) uintptr {
		start := at
		at += copy(memory[at:], s) + 1
		return base + uintptr(start)
	}
	for i, s := range argv {
		pointers[i] = put(s)
		p.args = append(p.args, memory[at-1-len(s):at-1])
	}
	for i, s := range envp {
		pointers[len(argv)+1+i] = put(s)
	}
	p.path = put(path)
	return p, nil
}

// Arg is the memory of argument i, for the parent to write into between two forks. Its length does
// not change.
func (p *Program) Arg(i int) []byte { return p.args[i] }

// Free gives the memory back.
func (p *Program) Free() error { return Unmap(p.memory) }

// RawExec makes the calling process the program (execve(2)). It returns only if that fails.
//
//go:nosplit
//go:norace
func (p *Program) RawExec() syscall.Errno {
	_, _, e := syscall.RawSyscall(unix.SYS_EXECVE, p.path, p.argv, p.envp)
	return e
}
