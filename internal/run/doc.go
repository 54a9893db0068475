// Package run is a run directory: what was recorded, as a manifest and tables, written once and read many times. A
// [Writer] makes one and a [Reader] reads it back; docs/run-directory.md describes the files to everybody else.
//
// A directory is a run when it holds manifest.json, which appears last. Tables are Parquet, so that other programs read
// them, and no library for all of Parquet is behind them. Written by one they would be the same, but it would be part of
// every start of this program, which is among what is measured; and reading, it believes what a file says of itself,
// while a run may come from anybody. The decoder here knows only what the Writer writes: every length and count is
// checked against what the file has room for before memory is spent on it. A library reads them in tests. Text in a run
// is data: names of tasks may hold any byte.
package run
