package event

import "slices"

// Column names what a probe tells.
type Column struct {
	// Name is what it is called in JSON: a-z, 0-9 and _.
	Name string `json:"name"`
	// Unit is what a number in it is a number of, in the plural: calls, tasks. ns and bytes are
	// amounts, everything else is counted.
	Unit string `json:"unit"`
	// Title is what it is called in a sentence.
	Title string `json:"title,omitempty"`
}

// Value is what was counted in a column.
type Value struct {
	Column
	Count uint64 `json:"count"`
	// Parts are what Count is the sum of, by name; nil when it has no parts.
	Parts map[string]uint64 `json:"parts,omitempty"`
}

// Values are what probes that are asked for have counted. A column that was not counted is not
// among them.
type Values []Value

// Get returns the value of the column of that name, and whether it was counted.
func (v Values) Get(name string) (Value, bool) {
	i := slices.IndexFunc(v, func(x Value) bool { return x.Name == name })
	if i < 0 {
		return Value{}, false
	}
	return v[i], true
}

// Count returns the number in the column of that name, 0 if it was not counted.
func (v Values) Count(name string) uint64 {
	x, _ := v.Get(name)
	return x.Count
}

// Plus returns the sum of both. A column that only one of them has is as it has it.
func (v Values) Plus(o Values) Values {
	return v.with(o, func(a, b uint64) uint64 { return a + b })
}

// Minus returns what was counted from o, an earlier reading of the same columns, to v.
func (v Values) Minus(o Values) Values {
	return v.with(o, func(a, b uint64) uint64 { return a - b })
}

// with returns both, joined number by number. A part that comes to nothing is left out.
func (v Values) with(o Values, join func(a, b uint64) uint64) Values {
	var list Values
	for _, x := range v {
		y, _ := o.Get(x.Name)
		x.Count = join(x.Count, y.Count)
		if x.Parts != nil {
			parts := make(map[string]uint64)
			for name, n := range x.Parts {
				parts[name] = join(n, y.Parts[name])
			}
			for name, n := range y.Parts {
				if _, ok := x.Parts[name]; !ok {
					parts[name] = join(0, n)
				}
			}
			for name, n := range parts {
				if n == 0 {
					delete(parts, name)
				}
			}
			x.Parts = parts
		}
		list = append(list, x)
	}
	for _, y := range o {
		if _, ok := v.Get(y.Name); !ok {
			list = append(list, y)
		}
	}
	return list
}
