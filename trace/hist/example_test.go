package hist_test

import (
	"fmt"
	"time"

	"switchyard/trace/hist"
)

func ExampleHistogram() {
	var h hist.Histogram
	for i := range 100 {
		h.Add(time.Duration(i+1) * time.Microsecond)
	}
	fmt.Println(h.Count(), h.Mean(), h.Max())
	fmt.Println(h.Quantile(.5).Round(5 * time.Microsecond))
	fmt.Println(h.QuantileBounds(.5))
	// Output:
	// 100 50.5µs 100µs
	// 50µs
	// 49.152µs 51.199µs
}
