package run

import (
	"fmt"
	"math"

	"switchyard/internal/sched"
)

// A lostRow is a row of lost.parquet.
type lostRow struct {
	CPU   int32 `parquet:"cpu,dict"`
	First int64 `parquet:"first_ns,delta"`
	Last  int64 `parquet:"last_ns,delta"`
	Count int64 `parquet:"count,delta"`
}

// Columns of a lostRow.
const (
	lostCPU = iota
	lostFirst
	lostLast
	lostCount
)

func lostRows(list []sched.Lost) (rows []lostRow, sum LostSum, err error) {
	for _, l := range list {
		if err := checkLost(l); err != nil {
			return nil, sum, err
		}
		rows = append(rows, lostRow{int32(l.CPU), l.First, l.Last, int64(l.Count)})
		sum.Intervals++
		sum.Events += l.Count
	}
	return rows, sum, nil
}

// lostOf turns a row back into a lost interval.
func lostOf(columns []column, row int) (sched.Lost, error) {
	l := sched.Lost{CPU: int(columns[lostCPU].ints[row]), First: columns[lostFirst].ints[row],
		Last: columns[lostLast].ints[row], Count: uint64(columns[lostCount].ints[row])}
	return l, checkLost(l)
}

func checkLost(l sched.Lost) error {
	if l.CPU < 0 || l.CPU > maxCPU || l.First > l.Last || l.Count > math.MaxInt64 {
		return fmt.Errorf("%d events of CPU %d lost from %d to %d is no interval", l.Count, l.CPU, l.First, l.Last)
	}
	return nil
}
