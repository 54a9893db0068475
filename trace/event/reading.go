package event

// Reading is a number of the kernel's that was read at a time known to lie between two others (ns
// of CLOCK_BOOTTIME).
type Reading struct {
	Before int64  `json:"before_ns"`
	After  int64  `json:"after_ns"`
	Value  uint64 `json:"value"`
}
