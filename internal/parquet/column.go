package parquet

// Physical is how values of a column are laid out, as Parquet's format.Type numbers it.
type Physical int64

const (
	Booleans Physical = 0
	Int32s   Physical = 1
	Int64s   Physical = 2
	Blobs    Physical = 6 // bytes of any number, only with Dictionary
)

// Encodings of values, as Parquet's format.Encoding numbers them.
const (
	Plain      = 0 // each as it is
	rle        = 3
	Delta      = 5 // numbers as differences from the one before: those that are nearly sorted
	Dictionary = 8 // as numbers of the different values of a row group: those that repeat
)

// A Column is a column that a table must have, and how it is written. A Table has no other nesting,
// and a column no lists.
type Column struct {
	Name     string
	Physical Physical
	Optional bool  // a row can be without a value
	Encoding int64 // Plain, Delta or Dictionary

	// Wide pads indices into the dictionary to whole bytes: the Huffman coder works on bytes.
	Wide bool
	// Text says of Blobs that they are UTF-8, and not just bytes.
	Text bool
	// Words are all values that a column of Text can have, when they are known beforehand. A value
	// is then an index into them.
	Words []string
}
