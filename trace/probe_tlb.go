package trace

import (
	"github.com/cilium/ebpf"

	"switchyard/trace/event"
)

//go:generate go run switchyard/tools/bpf tlb bpf/tlb.bpf.c

// tlbColumns are switches into a traced task. One for which the CPU already had the right page
// table loaded is in neither.
var tlbColumns = []event.Column{
	// the whole TLB
	{Name: "tlb_flushes", Unit: "switches", Title: "TLB flushes at switches"},
	// its entries were still good (PCID)
	{Name: "tlb_kept", Unit: "switches", Title: "TLB still good at switches"},
}

func init() {
	register(probe{
		Probe: Probe{
			Name:    "tlb",
			Doc:     "what loading another page table at a switch did to the TLB",
			Depth:   CountDepth,
			Option:  "tlb",
			Help:    "TLB flushes at switches too, in --count (x86)",
			Hooks:   []string{"tlb_flush"},
			Columns: tlbColumns,
		},
		spec: always(loadTlb),
		knob: "with_tlb",
		read: readTLB,
		// Only another CPU's request can come in between, as an interrupt; such flushes are not
		// counted anyway.
		spare: "tlb_flush",
	})
}

func readTLB(c *ebpf.Collection) (event.Values, error) {
	var cpus []bpfCpu
	if err := c.Maps[tlbMapCpus].Lookup(uint32(0), &cpus); err != nil {
		return nil, err
	}
	flushes, kept := event.Value{Column: tlbColumns[0]}, event.Value{Column: tlbColumns[1]}
	for i := range cpus {
		flushes.Count += cpus[i].TlbFlushes
		kept.Count += cpus[i].TlbKept
	}
	return event.Values{flushes, kept}, nil
}
