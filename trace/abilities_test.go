package trace

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// TestAbilities: what is asked for nobody has, and what everybody has, is found out; and later abilities come with earlier
// ones.
func TestAbilities(t *testing.T) {
	p, err := ebpf.NewProgramWithOptions(helperProbe(asm.FnGetCurrentTask), ebpf.ProgramOptions{LogDisabled: true})
	if errors.Is(err, os.ErrPermission) {
		if a := ask(); a != (abilities{true, true, true, true}) {
			t.Errorf("what cannot be asked is not taken to be there: %+v", a)
		}
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if lacks(helperProbe(asm.FnGetCurrentTask)) {
		t.Error("a helper of 4.8 is missing")
	}
	if !lacks(helperProbe(asm.BuiltinFunc(1 << 20))) {
		t.Error("a helper that nobody has is there")
	}
	a := ask()
	t.Logf("%+v", a)
	for _, later := range [][2]bool{{a.loop, a.ptRegs}, {a.ptRegs, a.storage}, {a.storage, a.atomics}} {
		if later[0] && !later[1] {
			t.Errorf("later abilities without earlier ones: %+v", a)
		}
	}
}
