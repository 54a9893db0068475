package syscalls

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestName(t *testing.T) {
	for _, c := range []struct {
		machine string
		compat  bool
		nr      int64
		want    string
	}{
		{"x86_64", false, 39, "getpid"},
		{"amd64", false, 39, "getpid"},
		{"i686", false, 39, "getpid"},
		{"x86_64", false, 20, "writev"},
		{"x86_64", true, 20, "getpid@i386"},
		{"x86_64", true, 158, "sched_yield@i386"},
		{"x86_64", false, X32Bit | 39, "getpid@x32"},
		{"x86_64", false, X32Bit | 516, "writev@x32"},
		{"x86_64", false, X32Bit | 547, "pwritev2@x32"},
		{"x86_64", false, X32Bit | 20, "syscall_20@x32"},
		{"x86_64", true, X32Bit | 39, "syscall_1073741863@i386"},
		{"x86_64", false, 516, "syscall_516"},
		{"x86_64", false, -1, "syscall_-1"},
		{"x86_64", true, -1, "syscall_-1@i386"},
		{"x86_64", false, 1 << 40, "syscall_1099511627776"},
		{"aarch64", false, 172, "getpid"},
		{"arm64", false, 79, "newfstatat"},
		{"aarch64", true, 20, "getpid@arm"},
		{"aarch64", true, 158, "sched_yield@arm"},
		{"aarch64", true, 0, "restart_syscall@arm"},
		{"aarch64", true, 0x0f0005, "set_tls@arm"},
		{"aarch64", false, X32Bit | 39, "syscall_1073741863"},
		{"riscv64", false, 172, "syscall_172"},
		{"riscv64", true, 172, "syscall_172@32-bit"},
	} {
		if got := Name(c.machine, c.compat, c.nr); got != c.want {
			t.Errorf("%s, compat %t, %d: %q, want %q", c.machine, c.compat, c.nr, got, c.want)
		}
	}
}

// TestNamesAreUnique: what is counted by name must not be another's.
func TestNamesAreUnique(t *testing.T) {
	for _, abi := range []ABI{AMD64, I386, X32, ARM64, ARM} {
		seen := make(map[string]int64)
		known := 0
		for nr := range int64(1024) {
			name := abi.Name(nr)
			if other, ok := seen[name]; ok || name == "" {
				t.Errorf("%s: %d and %d are both %q", abi, nr, other, name)
			}
			seen[name] = nr
			if name != number(nr) {
				known++
			}
		}
		if known < 300 {
			t.Errorf("%s: %d calls have names", abi, known)
		}
		for _, name := range []string{"read", "write", "getppid", "sched_yield", "clone3", "futex",
			"io_uring_enter"} {
			if _, ok := seen[name]; !ok {
				t.Errorf("%s: no number for %s", abi, name)
			}
		}
	}
}

// TestNative: the table of the machine that runs the test is the one its own numbers are in.
func TestNative(t *testing.T) {
	if Native(runtime.GOARCH) == "" {
		t.Skipf("no table for %s", runtime.GOARCH)
	}
	if got := Name(runtime.GOARCH, false, unix.SYS_GETPPID); got != "getppid" {
		t.Errorf("%d is %q, want getppid", unix.SYS_GETPPID, got)
	}
}
