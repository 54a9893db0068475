package doctor

import (
	"errors"
	"fmt"
)

// muchSteal is the share of the time since boot from which on the hypervisor is a part of every
// measurement.
const muchSteal = 0.01

// lookCPUs looks at the CPUs and at whether they are real.
func lookCPUs(m machine) []Finding {
	f := findings{group: "CPUs"}
	online, err := m.Text("/sys/devices/system/cpu/online")
	if err != nil {
		online = "not known"
	}
	switch {
	case m.cpus == 0:
		f.unknown("number", errors.New("sched_getaffinity failed"))
	case m.cpus == 1:
		f.missing("number", "1: server and load share it, and each measures the other",
			"give this process two CPUs or more")
	default:
		f.works("number", "%d for this process (online: %s)", m.cpus, online)
	}

	if virtual, err := m.Hypervisor(); err != nil {
		f.unknown("hypervisor", err)
	} else if virtual {
		f.works("hypervisor", "yes: a wake-up of another CPU costs more than on bare metal")
	} else {
		f.works("hypervisor", "none is announced")
	}

	stat, err := m.Stat()
	all := stat.Busy + stat.Idle + stat.Steal
	if err == nil && all == 0 {
		err = errors.New("/proc/stat: no time has passed")
	}
	share := float64(stat.Steal) / float64(max(all, 1))
	switch {
	case err != nil:
		f.unknown("steal", err)
	case share >= muchSteal:
		f.missing("steal",
			fmt.Sprintf("%.1f %% of the CPUs' time since boot went to other guests", 100*share),
			"use a machine with CPUs of its own, or compare in many short rounds")
	default:
		f.works("steal", "%.2f %% of the CPUs' time since boot", 100*share)
	}
	return f.list
}
