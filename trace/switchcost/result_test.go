package switchcost

import (
	"reflect"
	"testing"

	"switchyard/trace/event"
)

// TestSwitchCostLayouts: the sizes that bpf/cost.h asserts are those of the Go types, and those of
// the maps.
func TestSwitchCostLayouts(t *testing.T) {
	size := func(v any) int { return int(reflect.TypeOf(v).Size()) }
	for name, s := range map[string][2]int{
		"cpu":     {size(costCostCpu{}), 112 + 8*int(costCostPartCOST_PARTS)},
		"control": {size(costCostControl{}), 24},
		"request": {size(costCostRequest{}), 48},
	} {
		if s[0] != s[1] {
			t.Errorf("%s: %d bytes, want %d", name, s[0], s[1])
		}
	}
	spec, err := loadCost()
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{
		"cost_cpus": costCostCpu{}, "cost_hists": costHist{}, "cost_requests": costCostRequest{},
		"cost_nulls": uint64(0),
		".data.cost": costCostControl{},
	} {
		if got := int(spec.Maps[name].ValueSize); got != size(v) {
			t.Errorf("map %s: values of %d bytes, want %d", name, got, size(v))
		}
	}
	control := reflect.TypeFor[costCostControl]()
	for name, at := range map[string]uintptr{"Window": costWindow, "Last": costLast,
		"Probe": costProbe, "Flags": costFlags} {
		if f, ok := control.FieldByName(name); !ok || f.Offset != at {
			t.Errorf("control's %s is at %d, not at %d", name, f.Offset, at)
		}
	}
	for _, p := range switchProbes {
		if spec.Programs[p.program] == nil {
			t.Errorf("no program %s", p.program)
		} else if got := spec.Programs[p.program].AttachTo; got != p.hook {
			t.Errorf("program %s is for %s, not %s", p.program, got, p.hook)
		}
	}
}

// TestSwitchCostFill: the CPUs asked for are added up, and a switch that has no end is found
// missing.
func TestSwitchCostFill(t *testing.T) {
	var hists [costCostHistCOST_HISTS][]costHist
	for id := range hists {
		hists[id] = make([]costHist, 3)
	}
	parts := int(costCostPartCOST_PARTS)
	at := int(event.SwitchLazy)*parts + int(costCostPartCOST_SWITCHING)
	for cpu := range 3 {
		hists[at][cpu].Buckets[0] = uint64(cpu + 1)
	}
	cpus := []costCostCpu{{Switches: 1}, {Switches: 4, Unended: 1, Open: 6},
		{Switches: 4, Open: 7, Unseen: 5}}
	requests := []costCostRequest{{Older: 1}, {Older: 2, Unserved: 8}, {Unserved: 16}}
	for _, c := range []struct {
		only              []int
		n, unended, whole uint64
		older, unserved   uint64
		ok                bool
	}{
		{nil, 6, 2, 9, 3, 24, false},
		{[]int{0, 2}, 4, 1, 5, 1, 16, true},
		{[]int{1}, 2, 1, 4, 2, 8, false},
	} {
		var got event.SwitchCosts
		for range 2 { // the second reading replaces the first
			fillSwitchCosts(&got, cpus, requests, &hists, 7, c.only)
		}
		if got.Lazy().Switching.Count() != c.n || got.Unended != c.unended ||
			got.Switches != c.whole {
			t.Errorf("CPUs %d: %d of %d switches, %d unended", c.only, got.Lazy().Switching.Count(),
				got.Switches, got.Unended)
		}
		if got.Older != c.older || got.Unserved != c.unserved {
			t.Errorf("CPUs %d: %d older requests, %d unserved", c.only, got.Older, got.Unserved)
		}
		if ok := got.Checks[0].OK(); ok != c.ok {
			t.Errorf("CPUs %d: the check: %v", c.only, got.Checks[0])
		}
	}
}

// The kinds are those of the programs.
func TestSwitchKindsOfC(t *testing.T) {
	for c, kind := range map[costCostKind]event.SwitchKind{
		costCostKindCOST_THREAD:                 event.SwitchThread,
		costCostKindCOST_ADDRESS_SPACE:          event.SwitchAddressSpace,
		costCostKindCOST_ADDRESS_SPACE_FLUSH:    event.SwitchAddressSpaceFlush,
		costCostKindCOST_ADDRESS_SPACE_NO_FLUSH: event.SwitchAddressSpaceNoFlush,
		costCostKindCOST_KEPT:                   event.SwitchKept,
		costCostKindCOST_LAZY:                   event.SwitchLazy,
		costCostKindCOST_LAZY_IDLE:              event.SwitchLazyIdle,
		costCostKindCOST_IDLE:                   event.SwitchIdle,
		costCostKindCOST_IDLE_ADDRESS_SPACE:     event.SwitchIdleAddressSpace,
		costCostKindCOST_KINDS:                  event.SwitchKinds,
	} {
		if int(c) != int(kind) {
			t.Errorf("%v is %d, and %d in C", kind, kind, c)
		}
	}
}

func TestSwitchKindNames(t *testing.T) {
	seen := map[string]bool{}
	for k := range event.SwitchKinds {
		name := event.SwitchKind(k).String()
		if name == "" || seen[name] {
			t.Errorf("kind %d is %q", k, name)
		}
		seen[name] = true
	}
	if name := event.SwitchKind(event.SwitchKinds).String(); name != "SwitchKind(9)" {
		t.Errorf("a kind there is not: %s", name)
	}
}
