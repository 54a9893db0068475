package bpf

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf/asm"
)

// TestAbilities: what everybody has is found, what nobody has is not, and no later ability comes
// without an earlier one.
func TestAbilities(t *testing.T) {
	a, err := Ask()
	if errors.Is(err, os.ErrPermission) {
		if MissingCapabilities() == "" {
			t.Fatalf("refused with all capabilities: %v", err)
		}
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", a)
	for _, later := range [][2]bool{{a.Loop, a.PtRegs}, {a.PtRegs, a.Current},
		{a.Current, a.Atomics}} {
		if later[0] && !later[1] {
			t.Errorf("later abilities without earlier ones: %+v", a)
		}
	}
	if yes, err := allows(helperProbe(asm.FnGetCurrentTask)); !yes || err != nil {
		t.Errorf("a helper of 4.8: %v, %v", yes, err)
	}
	if yes, err := allows(helperProbe(asm.BuiltinFunc(1 << 20))); yes || err != nil {
		t.Errorf("a helper that nobody has: %v, %v", yes, err)
	}
}
