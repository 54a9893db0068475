package event

import "switchyard/trace/hist"

// Distributions are the lengths of single intervals of one task, or of several together, both of
// whose ends were seen in the window.
type Distributions struct {
	// RunQueueLatency is from runnable (a waking, an involuntary switch, a first start) to on-CPU;
	// WakeupLatency the part of it that began with a waking.
	RunQueueLatency hist.Histogram `json:"run_queue_latency"`
	WakeupLatency   hist.Histogram `json:"wakeup_latency"`
	// OnCPUSpan is from switch-in to switch-out, BlockedTime from a voluntary switch-out to the
	// first waking.
	OnCPUSpan   hist.Histogram `json:"on_cpu_span"`
	BlockedTime hist.Histogram `json:"blocked_time"`
}

// AddDistributions adds the intervals of another task, or of another window.
func (d *Distributions) AddDistributions(o *Distributions) {
	d.RunQueueLatency.Merge(&o.RunQueueLatency)
	d.WakeupLatency.Merge(&o.WakeupLatency)
	d.OnCPUSpan.Merge(&o.OnCPUSpan)
	d.BlockedTime.Merge(&o.BlockedTime)
}
