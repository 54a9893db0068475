package report

import (
	"strings"
	"testing"

	"switchyard/internal/stats"
)

// A price that was not found is not 0.
func TestPriceOfAnEvent(t *testing.T) {
	added := func(low float64) stats.Estimate {
		return stats.Estimate{Median: 500, Low: low, High: 600, N: 9}
	}
	const noise = "lost in the noise of a busy machine: "
	const found = "median of 9 rounds with probes on and off, a switch: 500 ns "
	for name, c := range map[string]struct {
		cost ProbeCost
		want float64 // 0: none
		how  string
	}{
		"found":    {ProbeCost{Added: added(400), Events: 2}, 250, found + "(400 to 600) for 2.00 events"},
		"no event": {ProbeCost{Added: added(400)}, 0, "the calibration had no event"},
		"nothing":  {ProbeCost{Added: added(0), Events: 2}, 0, noise + found},
		"less":     {ProbeCost{Added: added(-1), Events: 2}, 0, noise + found},
	} {
		c.cost.Unit = "a switch"
		ns, how := c.cost.Price()
		if (ns != nil) != (c.want != 0) || ns != nil && *ns != c.want ||
			!strings.HasPrefix(how, c.how) {
			t.Errorf("%s: %v, %q; want %v, %q", name, ns, how, c.want, c.how)
		}
	}
}

// What is lost in the noise is not said to be added.
func TestProbesInTheNoise(t *testing.T) {
	c := sample()
	c.Models[0].Traced = true
	c.ProbeCost[0].Added.Median, c.ProbeCost[0].Added.Low = -9, -186
	line := strings.Join(c.probeLines(), "\n")
	if strings.Contains(line, "-9 ns") ||
		!strings.Contains(line, "add 95 ns (93 to 97) to a system") ||
		!strings.Contains(line, "What probes add is lost in the noise of a busy machine: to a "+
			"switch with its waking (count depth, a traced task) -186 to 320 ns.") {
		t.Error(line)
	}
}
