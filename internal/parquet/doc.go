// Package parquet reads and writes tables as Parquet files, so that other programs read them too.
// It knows nothing of what is in them.
//
// A [Writer] writes a table row by row, in row groups of which one is in memory. [Open] reads what
// a file says of itself, and a [Reader] decodes one row group after the other.
//
// No library for all of Parquet is behind them. Writing, one takes more than eight bytes for an
// event of a machine with 256 CPUs, at every level of compression, and three to five times the
// processor (BenchmarkLibrary in package run, which has the figures). Reading, one believes what a
// file says of itself, while a table may come from anybody: the decoder here knows only what the
// Writer writes, and checks every length and count against what the file has room for before it
// spends memory on it. A library reads the tables of package run in its tests.
package parquet
