// Package conformance holds every registered model to the same behaviour: it is tests only, and a
// model is tested by being registered. It is a package of its own, and not the root's tests, so
// that the request handler can be fuzzed with coverage counters: they grow the frames of nosplit
// functions, and together with a forked child's they would be larger than the linker allows.
package conformance
