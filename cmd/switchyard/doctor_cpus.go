package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// muchSteal is the share of the time since boot from which on the hypervisor
// is a part of every measurement.
const muchSteal = 0.01

// lookCPUs looks at the CPUs and at whether they are real.
func lookCPUs(m machine) []finding {
	f := findings{group: "CPUs"}
	online, err := m.text("/sys/devices/system/cpu/online")
	if err != nil {
		online = "not known"
	}
	switch {
	case m.cpus == 0:
		f.unknown("number", errors.New("sched_getaffinity failed"))
	case m.cpus == 1:
		f.missing("number", "1: server and load share it, and each measures the other", "give this process two CPUs or more")
	default:
		f.works("number", "%d for this process (online: %s)", m.cpus, online)
	}

	if info, err := m.text("/proc/cpuinfo"); err != nil {
		f.unknown("hypervisor", err)
	} else if virtual(info) {
		f.works("hypervisor", "yes: a wake-up of another CPU costs more than on bare metal")
	} else {
		f.works("hypervisor", "none is announced")
	}

	share, err := m.steal()
	switch {
	case err != nil:
		f.unknown("steal", err)
	case share >= muchSteal:
		f.missing("steal", fmt.Sprintf("%.1f %% of the CPUs' time since boot went to other guests", 100*share),
			"use a machine with CPUs of its own, or compare in many short rounds")
	default:
		f.works("steal", "%.2f %% of the CPUs' time since boot", 100*share)
	}
	return f.list
}

// virtual reports whether the CPU says that it runs under a hypervisor (CPUID
// leaf 1, ECX bit 31, as proc_cpuinfo(5) shows it; x86 only).
func virtual(cpuinfo string) bool {
	for line := range strings.Lines(cpuinfo) {
		if key, flags, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "flags" {
			for flag := range strings.FieldsSeq(flags) {
				if flag == "hypervisor" {
					return true
				}
			}
			return false
		}
	}
	return false
}

// steal is the share of the CPUs' time since boot that a hypervisor took
// (proc_stat(5): the eighth number of the line cpu; the ninth and tenth are
// contained in the first two).
func (m machine) steal() (float64, error) {
	text, err := m.text("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, errors.New("/proc/stat: no steal time in the line cpu")
	}
	var all, steal float64
	for i, s := range fields[1:9] {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %q is not a number", s)
		}
		all += n
		if i == 7 {
			steal = n
		}
	}
	if all == 0 {
		return 0, errors.New("/proc/stat: no time has passed")
	}
	return steal / all, nil
}
