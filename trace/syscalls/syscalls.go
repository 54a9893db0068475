// Package syscalls names the system calls of the kernel's ABIs. A number means nothing by itself: a
// kernel has several ABIs, each with numbers of its own, and on x86 one task can use all of them.
package syscalls

import (
	"slices"
	"strconv"

	"switchyard/trace/event"
)

//go:generate go run gen_tables.go

// Column is that of system calls by name.
var Column = event.Column{Name: "syscalls", Unit: "calls", Title: "system calls"}

// An ABI is a way to call the kernel.
type ABI string

const (
	AMD64 ABI = "amd64" // x86-64
	I386  ABI = "i386"  // 32-bit x86: int $0x80, sysenter
	X32   ABI = "x32"   // x86-64 with 32-bit addresses; its numbers have X32Bit
	ARM64 ABI = "arm64" // AArch64
	ARM   ABI = "arm"   // 32-bit Arm (EABI)
)

// X32Bit is part of every number of the x32 ABI (__X32_SYSCALL_BIT,
// arch/x86/include/uapi/asm/unistd.h).
const X32Bit = 0x40000000

// Native returns a machine's own ABI: that of its 64-bit programs. The machine is called as by
// uname -m, or by Go. "" is an ABI whose calls have no names here.
func Native(machine string) ABI {
	switch machine {
	case "x86_64", "amd64", "i386", "i486", "i586", "i686": // the last under setarch(8)
		return AMD64
	case "aarch64", "arm64", "armv8l":
		return ARM64
	}
	return ""
}

// Compat returns the ABI of 32-bit programs on a machine. It has no names for any but those of
// Native.
func Compat(machine string) ABI {
	switch Native(machine) {
	case AMD64:
		return I386
	case ARM64:
		return ARM
	}
	return "32-bit"
}

// Name returns what a machine's kernel calls a system call: of the ABI of 32-bit programs with
// compat, otherwise of the machine's own, or of x32 if the number says so. See ABI.Name and
// Qualify.
func Name(machine string, compat bool, nr int64) string {
	abi := Native(machine)
	switch {
	case compat:
		abi = Compat(machine)
	case abi == AMD64 && nr&^(X32Bit-1) == X32Bit:
		abi = X32
		nr &^= X32Bit
	}
	return Qualify(machine, abi, abi.Name(nr))
}

// Qualify puts the ABI behind the name of a call that is not of the machine's own: getpid@i386,
// getpid@x32, getpid@arm.
func Qualify(machine string, abi ABI, name string) string {
	if abi == Native(machine) {
		return name
	}
	return name + "@" + string(abi)
}

// Name returns the kernel's name for a number of the ABI, of x32 without X32Bit; syscall_N if it is
// none that is known.
func (a ABI) Name(nr int64) string {
	name := ""
	switch a {
	case AMD64:
		name = at(amd64[:], nr)
	case I386:
		name = at(i386[:], nr)
	case X32:
		if name = at(x32[:], nr-x32First); name == "" {
			name = at(amd64[:], nr)
			if slices.Contains(x32[:], name) {
				name = ""
			}
		}
	case ARM64:
		name = at(arm64[:], nr)
	case ARM:
		if name = at(arm[:], nr); name == "" {
			name = at(armPrivate[:], nr-armPrivateFirst)
		}
	}
	if name == "" {
		return number(nr)
	}
	return name
}

// armPrivate are 32-bit Arm's own calls, from armPrivateFirst on
// (arch/arm/include/uapi/asm/unistd.h).
var armPrivate = [...]string{"breakpoint", "cacheflush", "usr26", "usr32", "set_tls", "get_tls"}

const armPrivateFirst = 0x0f0001

func at(table []string, nr int64) string {
	if nr < 0 || nr >= int64(len(table)) {
		return ""
	}
	return table[nr]
}

func number(nr int64) string { return "syscall_" + strconv.FormatInt(nr, 10) }
