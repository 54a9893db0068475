package event

// Price is what a set of probes adds to what it watches, measured on one machine: with the probes
// attached and without them, in turn. It is the whole price, that of getting into a program and out
// of it included, which a program's own run time (bpf_stats) leaves out.
type Price struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`  // which probes
	Unit string `json:"unit"` // what the times are of
	// Without is how long the unit took with no probe, Added what the probes added to it: ns, one
	// value for each round. Other tasks of the machine can make single values anything, negative
	// ones included: take a median.
	Added   []float64 `json:"added_ns"`
	Without []float64 `json:"without_ns"`
	// Events is how many events a unit has: its switches, wakings and calls.
	Events float64 `json:"events_per_unit"`
}

// The names of prices. They are on disk.
const (
	PriceCount       = "count"        // count depth, a traced task: a switch with its waking
	PriceCountOthers = "count_others" // count depth, a task that is not traced: the same
	PriceSyscall     = "syscall"      // system calls by name, a traced task: a call
	PriceTLB         = "tlb"          // TLB flushes, on top of count: another address space
	PriceRecord      = "record"       // record depth: a switch with its waking
)
