// Package run is a run directory: what was recorded, as a manifest and tables, written once and
// read many times. A [Writer] makes one and a [Reader] reads it back; docs/run-directory.md
// describes the files to everybody else.
//
// A directory is a run when it holds manifest.json, which appears last. Tables are Parquet (package
// parquet), so that other programs read them. A run may come from anybody: every number that is
// read is checked before it is believed. Text in a run is data: names of tasks may hold any byte.
package run
