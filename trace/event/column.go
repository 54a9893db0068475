package event

// Column names what a probe tells.
type Column struct {
	// Name is what it is called in JSON: a-z, 0-9 and _.
	Name string `json:"name"`
	// Unit is what a number in it is a number of, in the plural: calls, tasks. ns and bytes are
	// amounts, everything else is counted.
	Unit string `json:"unit"`
}
