package doctor

import (
	"errors"
	"io/fs"
	"strings"
)

// lookKernel looks at what the kernel was built and booted with.
func lookKernel(m machine) []Finding {
	f := findings{group: "kernel"}
	// What the kernel can do is asked of it, probe by probe; its release only stands here to be
	// copied into a report.
	f.works("release", "%s", m.release)

	const btf = "sys/kernel/btf/vmlinux"
	if info, err := fs.Stat(m.Files, btf); err == nil {
		f.works("BTF", "/%s, %d kB", btf, info.Size()/1000)
	} else if errors.Is(err, fs.ErrNotExist) {
		f.missing("BTF", "no /"+btf+": no probe can be loaded",
			"boot a kernel built with CONFIG_DEBUG_INFO_BTF=y")
	} else {
		f.unknown("BTF", err)
	}

	const lockdown = "/sys/kernel/security/lockdown"
	switch s, err := m.Text(lockdown); {
	case errors.Is(err, fs.ErrNotExist):
		f.works("lockdown", "none: no %s", lockdown)
	case err != nil:
		f.unknown("lockdown", err)
	case strings.Contains(s, "[confidentiality]"):
		f.missing("lockdown", "confidentiality: probes may not read the kernel's memory",
			"boot with lockdown=integrity or none")
	default:
		f.works("lockdown", "%s", s)
	}

	const clock = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
	switch s, err := m.Text(clock); {
	case err != nil:
		f.unknown("clock source", err)
	case s == "hpet" || s == "acpi_pm" || s == "jiffies" || s == "refined-jiffies":
		f.missing("clock source",
			s+": reading the time is slow or coarse, and every latency holds it",
			"boot with clocksource=tsc if the CPU's TSC is stable")
	default:
		f.works("clock source", "%s", s)
	}
	return f.list
}
