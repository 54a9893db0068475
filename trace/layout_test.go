package trace

import (
	"reflect"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"switchyard/internal/bpf"
	"switchyard/trace/hist"
)

// TestLayouts: the sizes that bpf/count.h asserts are those of the Go types, and those of the maps
// in every object.
func TestLayouts(t *testing.T) {
	const counts, kept = int(bpfCountCOUNTS), int(bpfCountCOUNT_KEPT_BY_PROBES)
	hist := 16 + 8*int(bpfHistShapeHIST_BUCKETS)
	row := 48 + 8*counts
	size := func(v any) int { return int(reflect.TypeOf(v).Size()) }
	for name, s := range map[string][2]int{
		"control": {size(bpfControl{}), 72},
		"cpu":     {size(bpfCpu{}), 24},
		"hist":    {size(bpfHist{}), hist},
		"latency": {size(bpfLatency{}), 2 * hist},
		"row":     {size(bpfRow{}), row},
		"task":    {size(bpfTask{}), 88 + 8*kept + 8*counts},
		"walk":    {size(bpfWalk{}), 72 + 8*counts + row},
		"window":  {size(bpfWindow{}), 24 + 8*counts + int(bpfHistIdHISTS)*hist},
	} {
		if s[0] != s[1] {
			t.Errorf("%s: %d bytes, want %d", name, s[0], s[1])
		}
	}
	for _, can := range []bpf.Abilities{{Current: true, Atomics: true, Loop: true, PtRegs: true},
		{Current: true, Atomics: true}, {}} {
		for _, p := range probes {
			if p.Depth != CountDepth {
				continue
			}
			spec, err := p.spec(can)
			if err != nil {
				t.Fatal(err)
			}
			for name, v := range map[string]any{
				bpfMapCpus: bpfCpu{}, bpfMapLatencies: bpfLatency{}, bpfMapRows: bpfRow{},
				bpfMapTasks: bpfTask{}, bpfMapWalks: bpfWalk{},
				bpfMapWindows: bpfWindow{}, ctlMap: bpfControl{},
			} {
				if got := int(spec.Maps[name].ValueSize); got != size(v) {
					t.Errorf("object %s, map %s: values of %d bytes, want %d", p.Name, name, got,
						size(v))
				}
			}
			if m := spec.Maps[syscallMapSyscallCounts]; m != nil &&
				int(m.ValueSize) != 8*int(syscallSyscallSlotsSYSCALL_SLOTS) {
				t.Errorf("counts of system calls have %d bytes", m.ValueSize)
			}
			for name, prog := range spec.Programs {
				if prog.Type != ebpf.Tracing || prog.License != "Dual BSD/GPL" {
					t.Errorf("object %s, program %s: %v, license %q", p.Name, name, prog.Type,
						prog.License)
				}
				for _, ins := range prog.Instructions {
					if !can.Atomics && ins.OpCode.Mode() == asm.AtomicMode &&
						ins.OpCode.AtomicOp() != asm.AddAtomic {
						t.Errorf("object %s, program %s, for a kernel that lacks it: %v", p.Name,
							name, ins)
					}
					if !can.Loop && ins.IsFunctionReference() {
						t.Errorf("object %s, program %s, for a kernel without bpf_loop: %v", p.Name,
							name, ins)
					}
				}
			}
		}
	}
}

// TestHistogramShape: package hist counts in the buckets that the probes fill.
func TestHistogramShape(t *testing.T) {
	for name, c := range map[string][2]int{
		"buckets":  {int(bpfHistShapeHIST_BUCKETS), hist.Buckets},
		"min_log2": {int(bpfHistShapeHIST_MIN_LOG2), hist.MinLog2},
		"max_log2": {int(bpfHistShapeHIST_MAX_LOG2), hist.MaxLog2},
		"sub_log2": {int(bpfHistShapeHIST_SUB_LOG2), hist.SubLog2},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %d in C, %d in Go", name, c[0], c[1])
		}
	}
}

// TestSlotNames: no two places of count depth have the same name, or calls would be counted under
// another's.
func TestSlotNames(t *testing.T) {
	for _, machine := range []string{"amd64", "arm64", "riscv64"} {
		seen := map[string]int{}
		for slot := range int(syscallSyscallSlotsSYSCALL_SLOTS) {
			name := slotName(machine, slot)
			if other, ok := seen[name]; ok || name == "" {
				t.Errorf("%s: %d and %d are both %q", machine, slot, other, name)
			}
			seen[name] = slot
		}
	}
	const places = int(syscallSyscallSlotsSYSCALLS)
	for slot, want := range map[int]string{
		39: "getpid", places + 20: "getpid@i386", 2*places + 39: "getpid@x32", 2*places +
			516: "writev@x32",
		places - 1: "other", 2*places - 1: "other@i386", 3*places - 1: "other@x32",
	} {
		if got := slotName("amd64", slot); got != want {
			t.Errorf("place %d is of %q, want %q", slot, got, want)
		}
	}
}

func TestDivide(t *testing.T) {
	for _, c := range []struct {
		cpu             int
		user, system    uint64
		wantUser, wantS int
	}{
		{100, 0, 0, 100, 0},
		{100, 4, 0, 100, 0},
		{100, 0, 4, 0, 100},
		{100, 1, 3, 25, 75},
		{0, 1, 3, 0, 0},
	} {
		u, s := divide(time.Duration(c.cpu), c.user, c.system)
		if u != time.Duration(c.wantUser) || s != time.Duration(c.wantS) {
			t.Errorf("%+v: %v and %v", c, u, s)
		}
	}
}
