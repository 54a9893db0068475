package run

import (
	"fmt"
	"math"

	"switchyard/trace/event"
)

// lostColumns are the columns of lost.parquet.
var lostColumns = [...]columnSpec{
	lostCPU:   {name: "cpu", physical: int32s, encoding: encodingDictionary},
	lostFirst: {name: "first_ns", physical: int64s, encoding: encodingDelta},
	lostLast:  {name: "last_ns", physical: int64s, encoding: encodingDelta},
	lostCount: {name: "count", physical: int64s, encoding: encodingDelta},
}

// Columns of lost.parquet.
const (
	lostCPU = iota
	lostFirst
	lostLast
	lostCount
)

// writeLost writes the lost intervals as rows.
func writeLost(t *tableWriter, list []event.Lost) error {
	for _, l := range list {
		if err := checkLost(l); err != nil {
			return err
		}
		t.columns[lostCPU].put(int64(l.CPU))
		t.columns[lostFirst].put(l.First)
		t.columns[lostLast].put(l.Last)
		t.columns[lostCount].put(int64(l.Count))
		if err := t.endRow(); err != nil {
			return err
		}
	}
	return nil
}

// lostOf turns a row back into a lost interval.
func lostOf(columns []column, row int) (event.Lost, error) {
	l := event.Lost{CPU: int(columns[lostCPU].ints[row]), First: columns[lostFirst].ints[row],
		Last: columns[lostLast].ints[row], Count: uint64(columns[lostCount].ints[row])}
	return l, checkLost(l)
}

func checkLost(l event.Lost) error {
	if l.CPU < 0 || l.CPU > maxCPU || l.First > l.Last || l.Count > math.MaxInt64 {
		return fmt.Errorf("%d events of CPU %d lost from %d to %d is no interval", l.Count, l.CPU, l.First, l.Last)
	}
	return nil
}
