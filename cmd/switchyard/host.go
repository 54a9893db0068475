package main

import (
	"os"
	"runtime"

	"switchyard/internal/proc"
	"switchyard/internal/report"
)

// host is the machine a result was measured on.
func host() report.Host {
	h := report.Host{CPUs: runtime.NumCPU(), Go: runtime.Version(), Root: os.Geteuid() == 0}
	// NumCPU is how many this process may run on.
	if online, err := proc.Here.Online(); err == nil {
		h.CPUs = len(online)
	}
	h.Kernel, _ = proc.Uname()
	h.CPU = proc.Here.CPUModel()
	return h
}
