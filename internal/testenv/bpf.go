package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cilium/ebpf"
)

// bpfPrograms lists the IDs of the BPF programs in the kernel; none without the privilege to ask
// (CAP_SYS_ADMIN).
func bpfPrograms() map[ebpf.ProgramID]bool {
	set := map[ebpf.ProgramID]bool{}
	for id, err := ebpf.ProgramGetNextID(0); err == nil; id, err = ebpf.ProgramGetNextID(id) {
		set[id] = true
	}
	return set
}

// bpfLeft lists the BPF programs that were not there before and are this process' doing: it holds
// them, or nobody does any more and they are attached or pinned. Other processes may load programs
// at any time.
func bpfLeft(before map[ebpf.ProgramID]bool, wait time.Duration) []string {
	for deadline, pause := time.Now().Add(wait), 10*time.Millisecond; ; pause = min(2*pause,
		300*time.Millisecond) {
		var list []string
		var mine, others map[string]bool
		for id := range bpfPrograms() {
			if before[id] {
				continue
			}
			if mine == nil {
				mine, others = bpfHolders()
			}
			number := fmt.Sprint(id)
			switch {
			case mine[number]:
				list = append(list, fmt.Sprintf("BPF program %d%s, held by a descriptor", id,
					bpfName(id)))
			case !others[number]:
				if name := bpfName(id); name != "" { // else it has gone meanwhile
					list = append(list, fmt.Sprintf("BPF program %d%s, attached or pinned",
						id, name))
				}
			}
		}
		if len(list) == 0 || time.Now().After(deadline) {
			return list
		}
		time.Sleep(pause)
	}
}

func bpfName(id ebpf.ProgramID) string {
	p, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return ""
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (%s %s)", info.Type, info.Name)
}

// bpfHolders lists the program IDs that descriptors of this process, and of all others, stand for:
// programs and links (proc_pid_fdinfo(5)).
func bpfHolders() (mine, others map[string]bool) {
	mine, others = map[string]bool{}, map[string]bool{}
	self := fmt.Sprint(os.Getpid())
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range fds {
		what, err := os.Readlink(fd)
		if err != nil || !strings.Contains(what, "bpf") && !strings.Contains(what, "perf_event") {
			continue
		}
		info, err := os.ReadFile(strings.Replace(fd, "/fd/", "/fdinfo/", 1))
		if err != nil {
			continue
		}
		set := others
		if strings.HasPrefix(fd, "/proc/"+self+"/") {
			set = mine
		}
		for line := range strings.Lines(string(info)) {
			if key, value, _ := strings.Cut(line, ":"); key == "prog_id" {
				set[strings.TrimSpace(value)] = true
			}
		}
	}
	return mine, others
}
