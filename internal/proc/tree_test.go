package proc

import (
	"os"
	"os/exec"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTree(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	tree, err := Tree(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if tree[0] != os.Getpid() || !slices.Contains(tree, cmd.Process.Pid) || slices.Contains(tree,
		os.Getppid()) {
		t.Errorf("tree of %d with child %d: %v", os.Getpid(), cmd.Process.Pid, tree)
	}
	if _, err := Tree(1 << 30); err == nil {
		t.Error("a process that does not exist has a tree")
	}
}

func TestPSS(t *testing.T) {
	const size = 64 << 20
	before, err := PSS([]int{os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	p, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|
		unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(p)
	for i := 0; i < size; i += 4096 {
		p[i] = 1
	}
	after, err := PSS([]int{os.Getpid(), 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	if grown := after - before; grown < size*9/10 || grown > size*2 {
		t.Errorf("PSS grew by %d for %d bytes touched", grown, size)
	}
}
