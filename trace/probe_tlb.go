package trace

import "switchyard/trace/event"

//go:generate go run switchyard/tools/bpf tlb bpf/tlb.bpf.c

func init() {
	register(probe{
		Probe: Probe{
			Name:    "tlb",
			Doc:     "what loading another page table at a switch did to the TLB",
			Depth:   CountDepth,
			Option:  "tlb",
			Help:    "TLB flushes at switches too, in --count (x86)",
			Hooks:   []string{"tlb_flush"},
			Columns: []event.Column{{Name: "tlb_flushes", Unit: "flushes"}},
		},
		spec: always(loadTlb),
		knob: "with_tlb",
	})
}
