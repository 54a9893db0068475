package run

import (
	"fmt"
	"math"

	"switchyard/internal/parquet"
	"switchyard/trace/event"
)

// lostColumns are the columns of lost.parquet.
var lostColumns = [...]parquet.Column{
	lostCPU:   {Name: "cpu", Physical: parquet.Int32s, Encoding: parquet.Dictionary},
	lostFirst: {Name: "first_ns", Physical: parquet.Int64s, Encoding: parquet.Delta},
	lostLast:  {Name: "last_ns", Physical: parquet.Int64s, Encoding: parquet.Delta},
	lostCount: {Name: "count", Physical: parquet.Int64s, Encoding: parquet.Delta},
}

// Columns of lost.parquet.
const (
	lostCPU = iota
	lostFirst
	lostLast
	lostCount
)

// writeLost writes the lost intervals as rows.
func writeLost(t *parquet.Writer, list []event.Lost) error {
	for _, l := range list {
		if err := checkLost(l); err != nil {
			return err
		}
		t.Columns[lostCPU].Put(int64(l.CPU))
		t.Columns[lostFirst].Put(l.First)
		t.Columns[lostLast].Put(l.Last)
		t.Columns[lostCount].Put(int64(l.Count))
		if err := t.EndRow(); err != nil {
			return err
		}
	}
	return nil
}

// lostOf turns a row back into a lost interval.
func lostOf(columns []parquet.Values, row int) (event.Lost, error) {
	l := event.Lost{CPU: int(columns[lostCPU].Ints[row]), First: columns[lostFirst].Ints[row],
		Last: columns[lostLast].Ints[row], Count: uint64(columns[lostCount].Ints[row])}
	return l, checkLost(l)
}

func checkLost(l event.Lost) error {
	if l.CPU < 0 || l.CPU > maxCPU || l.First > l.Last || l.Count > math.MaxInt64 {
		return fmt.Errorf("%d events of CPU %d lost from %d to %d is no interval", l.Count, l.CPU,
			l.First, l.Last)
	}
	return nil
}
