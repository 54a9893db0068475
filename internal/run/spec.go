package run

// Physical types of Parquet, as its format.Type numbers them.
type physical int64

const (
	booleans physical = 0
	int32s   physical = 1
	int64s   physical = 2
	blobs    physical = 6
)

// Encodings of values, as Parquet's format.Encoding numbers them.
const (
	encodingPlain      = 0
	encodingRLE        = 3
	encodingDelta      = 5
	encodingDictionary = 8
)

// A columnSpec is a column that a table must have, and how it is written.
type columnSpec struct {
	name     string
	physical physical
	optional bool
	encoding int64
	wide     bool     // indices into the dictionary are whole bytes, which a Huffman code makes shorter the more frequent they are
	text     bool     // of blobs: it is UTF-8, and not just bytes
	words    []string // of text: all that it can be, when that is known beforehand. A value is then an index into them.
}
