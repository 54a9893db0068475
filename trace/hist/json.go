package hist

import (
	"encoding/json"
	"fmt"
)

// histogramJSON is a Histogram in files, in ns. A bucket is its lower bound and how many durations
// are in it, so that other programs need not know the shape.
type histogramJSON struct {
	Count   uint64      `json:"n"`
	Sum     uint64      `json:"sum_ns"`
	Max     uint64      `json:"max_ns"`
	Buckets [][2]uint64 `json:"buckets"`
}

// MarshalJSON writes the whole distribution: n, sum_ns, max_ns, and buckets, a list of [lower bound
// in ns, count] by rising bound, those that are empty left out.
func (h Histogram) MarshalJSON() ([]byte, error) {
	j := histogramJSON{Count: h.count, Sum: h.sum, Max: h.max, Buckets: make([][2]uint64, 0,
		len(h.cells))}
	for _, c := range h.cells {
		lo, _ := Bounds(int(c.Index))
		j.Buckets = append(j.Buckets, [2]uint64{lo, c.Count})
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes, from whomever: what no Histogram can be is an error.
func (h *Histogram) UnmarshalJSON(data []byte) error {
	var j histogramJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	if len(j.Buckets) > Buckets {
		return fmt.Errorf("a histogram of %d buckets has more than %d", len(j.Buckets), Buckets)
	}
	cells := make([]Cell, 0, len(j.Buckets))
	var count, least uint64
	for _, b := range j.Buckets {
		i := Index(b[0])
		lo, _ := Bounds(i)
		if lo != b[0] || b[1] == 0 || len(cells) > 0 && int(cells[len(cells)-1].Index) >= i {
			return fmt.Errorf("a histogram's bucket [%d, %d] is none, or out of order", b[0], b[1])
		}
		if count+b[1] < count {
			return fmt.Errorf("a histogram's buckets hold more than can be counted")
		}
		count += b[1]
		least = lo
		cells = append(cells, Cell{uint16(i), b[1]})
	}
	if count != j.Count {
		return fmt.Errorf("a histogram of %d durations has %d in its buckets", j.Count, count)
	}
	if count == 0 && (j.Sum != 0 || j.Max != 0) || count > 0 &&
		(j.Max < least || Index(j.Max) != int(cells[len(cells)-1].Index)) {
		return fmt.Errorf("a histogram's longest duration, %d ns, is not in its last bucket", j.Max)
	}
	*h = Of(count, j.Sum, j.Max, cells)
	return nil
}
