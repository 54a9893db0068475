package report

import (
	"fmt"

	"switchyard/internal/stats"
	"switchyard/trace/event"
)

// ProbeCost is an event.Price in short: medians instead of all values.
type ProbeCost struct {
	Name    string         `json:"name"`
	Doc     string         `json:"doc"`
	Unit    string         `json:"unit"`
	Added   stats.Estimate `json:"added_ns"`
	Without stats.Estimate `json:"without_ns"`
	Events  float64        `json:"events_per_unit"`
}

// OfPrice sums a price up.
func OfPrice(p *event.Price) ProbeCost {
	return ProbeCost{Name: p.Name, Doc: p.Doc, Unit: p.Unit, Added: stats.Median(p.Added),
		Without: stats.Median(p.Without), Events: p.Events}
}

// OfPrices sums prices up.
func OfPrices(prices []event.Price) (costs []ProbeCost) {
	for i := range prices {
		costs = append(costs, OfPrice(&prices[i]))
	}
	return costs
}

// PerEvent is the price of one event, ns.
func (p *ProbeCost) PerEvent() float64 { return p.Added.Median / p.Events }

// Found reports whether it stands out of the noise: the interval of what the probes added is above
// nothing.
func (p *ProbeCost) Found() bool { return p.Added.Low > 0 }

// Price is that of one event, ns, and how it was found. It is nil where it was not found, and how
// says why: there was no event, or the interval of what the probes added goes down to nothing.
func (p *ProbeCost) Price() (ns *float64, how string) {
	if p.Events == 0 {
		return nil, "the calibration had no event"
	}
	how = fmt.Sprintf("median of %d rounds with probes on and off, %s: "+
		"%.0f ns (%.0f to %.0f) for %.2f events",
		p.Added.N, p.Unit, p.Added.Median, p.Added.Low, p.Added.High, p.Events)
	if !p.Found() {
		return nil, "lost in the noise of a busy machine: " + how
	}
	v := p.PerEvent()
	return &v, how
}
