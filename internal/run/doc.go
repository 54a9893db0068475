// Package run is a run directory: what was recorded, as a manifest and tables, written once and read many times. A
// [Writer] makes one and a [Reader] reads it back; docs/run-directory.md describes the files to everybody else.
//
// A directory is a run when it holds manifest.json, which appears last. Tables are Parquet, written with a library, so
// that other programs read them. They are read back here by a decoder that knows only what the Writer writes, because
// a run may come from anybody and a library for all of Parquet believes what a file says of itself: every length and
// count is checked against what the file has room for before memory is spent on it. Text in a run is data: names of
// tasks may hold any byte.
package run
