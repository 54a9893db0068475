package proc

import (
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"switchyard/trace/event"
)

// Host returns the machine, as far as it can be told, and how many of its CPUs are in use. Its CPUs
// are those below the highest that is.
func (f Files) Host() (h event.Host, online int) {
	h = event.Host{Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Model: f.CPUModel(),
		Go: runtime.Version(), Root: os.Geteuid() == 0}
	h.Name, _ = os.Hostname()
	h.Kernel, _ = Uname()
	// NumCPU is how many this process may run on.
	if list, err := f.Online(); err == nil && len(list) > 0 {
		h.CPUs = list[len(list)-1] + 1
		return h, len(list)
	}
	return h, h.CPUs
}

// Uname returns the kernel's release and the machine's architecture, as uname -r and uname -m have
// them; "" if it cannot be told.
func Uname() (release, machine string) {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "", ""
	}
	return unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Machine[:])
}

// CPUModel returns what the first CPU calls itself (proc_cpuinfo(5)); "" if it does not, as on
// arm64.
func (f Files) CPUModel() string {
	s, _ := f.Field("/proc/cpuinfo", "model name")
	return s
}

// Hypervisor reports whether the CPU says that it runs under a hypervisor (CPUID leaf 1, ECX bit
// 31, as proc_cpuinfo(5) shows it; x86 only).
func (f Files) Hypervisor() (bool, error) {
	if _, err := f.Text("/proc/cpuinfo"); err != nil {
		return false, err
	}
	flags, _ := f.Field("/proc/cpuinfo", "flags")
	for flag := range strings.FieldsSeq(flags) {
		if flag == "hypervisor" {
			return true, nil
		}
	}
	return false, nil
}
