package rounds

import (
	"fmt"
	"time"

	"switchyard/internal/load"
	"switchyard/internal/proc"
	"switchyard/trace/event"
)

// Round is one model measured once: its server started, load put on it, both ended.
type Round struct {
	Model string `json:"model"`
	// Number is the round's among those that measure rates, from 1; 0 is a round that counts.
	Number int `json:"round"`
	// Failed says why the round measured nothing. What is below is then empty, but for Memory.
	Failed string `json:"failed,omitempty"`

	// Workers are those that the server made in advance; 0 where there are none to choose.
	Workers int `json:"workers"`
	// Load is what the clients saw.
	Load *load.Result `json:"load,omitempty"`
	// CPU is what the server and all its descendants used in the window; of a round that measures
	// rates.
	CPU *proc.CPU `json:"cpu,omitempty"`
	// Counts is what the tracer saw of them; of a round that counts.
	Counts *Counts `json:"counts,omitempty"`
	// Memory is of the model's first round.
	Memory *Memory `json:"memory,omitempty"`

	// Paused is how often accepting paused at a limit, Refused the connections that were refused,
	// in the server's life.
	Paused  uint64 `json:"paused,omitempty"`
	Refused uint64 `json:"refused,omitempty"`

	// Throttled is of the server's cgroups while there was load; nil if it is not known, and why.
	Throttled    *event.Throttling `json:"throttled,omitempty"`
	ThrottledWhy string            `json:"throttled_why,omitempty"`

	// Checks are sums that must add up.
	Checks []event.Check `json:"checks,omitempty"`
	// Notes are sentences about the round.
	Notes []string `json:"notes,omitempty"`
}

// RequestsCheck is the name of the check that needs no tracer: requests that the server answered
// and that its clients had answered, within what was in flight at the end of a round, one for each
// client.
const RequestsCheck = "requests"

// Rates reports whether it is a round that measures rates, with no probe attached.
func (r *Round) Rates() bool { return r.Number > 0 }

// Name is what the round is called in a sentence.
func (r *Round) Name() string {
	if r.Rates() {
		return fmt.Sprintf("round %d", r.Number)
	}
	return "the round that counts"
}

// served is how many requests the server answered in the window: those that the warm-up had left
// outstanding too.
func (r *Round) served() uint64 { return r.Load.Answered() + r.Load.CarriedOver.Answered }

// Counts is what the tracer counted in a window.
type Counts struct {
	event.Totals
	PageFaults uint64        `json:"page_faults"`
	CPU        time.Duration `json:"cpu_ns"` // by the kernel's own clock (sum_exec_runtime)

	event.Distributions

	// Values are what probes that were asked for counted.
	Values event.Values `json:"values"`
	Lost   uint64       `json:"lost_events"`
	// Missing says why something above was not counted, by its key.
	Missing map[string]string `json:"missing,omitempty"`
}

func (c *Counts) add(o *Counts) {
	c.Totals.Add(&o.Totals)
	c.PageFaults += o.PageFaults
	c.CPU += o.CPU
	c.AddDistributions(&o.Distributions)
	c.Values = c.Values.Plus(o.Values)
	c.Lost += o.Lost
}

// Memory is by how much a server's proportional set size grew for each open connection.
type Memory struct {
	PerConnection float64 `json:"pss_bytes_per_connection"`
	Connections   int     `json:"connections"`   // how many were served
	Why           string  `json:"why,omitempty"` // it is not known; the numbers mean nothing then
}
