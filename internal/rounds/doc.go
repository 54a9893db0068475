// Package rounds has what a comparison of models measured: rounds of each model, their sum, and
// the run directory that keeps them.
//
// A comparison ([switchyard/internal/compare]) measures each model in several rounds. A [Round]
// that measures rates has no probe attached; one that counts has all of them. A [Writer] keeps
// every round as it was measured, with whole distributions, under the schema
// switchyard.compare-run/1 (docs/run-directory.md). A [Reader] reads them again, anywhere and
// without root. [Result] adds rounds up, for the table that package report makes of them: the same
// from memory as from a directory.
package rounds
