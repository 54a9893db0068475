package bpf

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cilium/ebpf/btf"
)

// KernelTypes returns the running kernel's BTF, parsed once.
var KernelTypes = sync.OnceValues(func() (*btf.Spec, error) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, fmt.Errorf("the kernel describes no types of its own (BTF): %w: "+
			"boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (%w)", errors.ErrUnsupported, err)
	}
	return spec, nil
})

// Hook returns the prototype of a tracepoint, as BTF has it: the first argument is the probe's own
// data.
func Hook(tracepoint string) (*btf.FuncProto, error) {
	types, err := KernelTypes()
	if err != nil {
		return nil, err
	}
	var def *btf.Typedef
	if err := types.TypeByName("btf_trace_"+tracepoint, &def); err != nil {
		return nil, fmt.Errorf("this kernel has no tracepoint %s: %w", tracepoint,
			errors.ErrUnsupported)
	}
	if ptr, ok := def.Type.(*btf.Pointer); ok {
		if proto, ok := ptr.Target.(*btf.FuncProto); ok {
			return proto, nil
		}
	}
	return nil, fmt.Errorf("tracepoint %s has no prototype: %w", tracepoint, errors.ErrUnsupported)
}

// HasMember reports whether a struct of the kernel has a member.
func HasMember(name, member string) bool {
	types, err := KernelTypes()
	if err != nil {
		return false
	}
	var s *btf.Struct
	if types.TypeByName(name, &s) != nil {
		return false
	}
	return slices.ContainsFunc(Flatten(s.Members), func(m btf.Member) bool {
		return m.Name == member
	})
}

// PerCPU returns how far each CPU's instance of a variable, or of one of its fields, is from its
// run queue. The names are alternatives: kernels keep the same thing in different places.
func PerCPU(names ...string) (int64, error) {
	types, err := KernelTypes()
	if err != nil {
		return 0, err
	}
	var section *btf.Datasec
	if err := types.TypeByName(".data..percpu", &section); err != nil {
		return 0, fmt.Errorf("per-CPU variables: %w", errors.ErrUnsupported)
	}
	at := make(map[string]int64)
	for _, v := range section.Vars {
		at[v.Type.TypeName()] = int64(v.Offset)
		if s, ok := btf.UnderlyingType(v.Type.(*btf.Var).Type).(*btf.Struct); ok &&
			v.Type.TypeName() == "pcpu_hot" {
			for _, m := range Flatten(s.Members) {
				at["pcpu_hot."+m.Name] = int64(v.Offset) + int64(m.Offset.Bytes())
			}
		}
	}
	base, ok := at["runqueues"]
	for _, name := range names {
		if offset, found := at[name]; ok && found {
			return offset - base, nil
		}
	}
	return 0, fmt.Errorf("per-CPU variable %s: %w", names[0], errors.ErrUnsupported)
}

// Flatten returns the members, those of unnamed structs and unions in their place.
func Flatten(members []btf.Member) (out []btf.Member) {
	for _, m := range members {
		var inner []btf.Member
		switch t := m.Type.(type) {
		case *btf.Struct:
			inner = t.Members
		case *btf.Union:
			inner = t.Members
		}
		if m.Name != "" || inner == nil {
			out = append(out, m)
			continue
		}
		for _, i := range Flatten(inner) {
			i.Offset += m.Offset
			out = append(out, i)
		}
	}
	return out
}
