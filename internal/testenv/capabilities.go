package testenv

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Capable makes cmd, which Program made, run a copy of this binary as another user who gets CAP_BPF
// and CAP_PERFMON from the file. Where this user may not do that the test is skipped.
func Capable(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	dir, err := os.MkdirTemp("", "capabilities") // others can enter it, unlike t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program, err := os.ReadFile(cmd.Path)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "program")
	if err := errors.Join(os.WriteFile(file, program, 0o755), os.Chmod(file, 0o755),
		os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	if giveCapabilities(file) != nil || os.Getuid() != 0 {
		Skip(t, "only root gives a file capabilities and runs it as another user", func() error {
			if os.Getuid() != 0 {
				return unix.EPERM
			}
			return giveCapabilities(file)
		})
	}
	cmd.Path, cmd.Dir = file, "/"
	// Root gets nothing from the file that it has not already.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}

// giveCapabilities gives a file what doctor suggests (setcap cap_bpf,cap_perfmon+ep;
// capabilities(7), file capabilities version 2).
func giveCapabilities(file string) error {
	const version2, effective = 0x02000000, 1
	data := make([]byte, 20) // version, then permitted and inheritable, twice
	binary.LittleEndian.PutUint32(data, version2|effective)
	binary.LittleEndian.PutUint32(data[12:], 1<<(unix.CAP_BPF-32)|1<<(unix.CAP_PERFMON-32))
	return unix.Setxattr(file, "security.capability", data, 0)
}
