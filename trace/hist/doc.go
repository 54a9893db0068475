// Package hist is the one distribution of durations of the tracer and the analysis.
//
// The probes count durations in the kernel, where there is no room for each: one bucket for all
// below 64 ns, then 16 for each power of two up to 69 s, then one for all above. The analysis of a
// recording uses the same buckets, so that results of either depth can be compared and added up. A
// duration, and so a quantile, is known to 1/16 (6.25 %) of itself; [Histogram.QuantileBounds] says
// between which two values. The number of durations, their sum and the longest are exact.
package hist
