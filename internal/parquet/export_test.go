package parquet

// The most that a part of a table may claim.
const (
	MaxChunk = maxChunk
	MaxPage  = maxPage
)
