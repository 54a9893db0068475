package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"switchyard/internal/stats"
)

// A row is what was seen of one tracer.
type row struct {
	added    []float64            // ns a unit
	programs map[string][]float64 // ns a run of each BPF program that ran often
	perEvent float64
	lost     uint64
	err      error
}

// often is how many runs of a BPF program tell how long one takes.
const often = 10_000

// add adds the accounts of a round.
func (r *row) add(programs map[string]account) {
	for name, p := range programs {
		if p.runs >= often {
			if r.programs == nil {
				r.programs = map[string][]float64{}
			}
			r.programs[name] = append(r.programs[name], float64(p.time)/float64(p.runs))
		}
	}
}

func compare(dir, self string, w workload) error {
	chosen, err := regexp.Compile(*which)
	if err != nil {
		return err
	}
	list := slices.DeleteFunc(tracers(dir, w), func(t tracer) bool {
		return t.name != none && !chosen.MatchString(t.name)
	})
	rows := make([]row, len(list))
	var base []float64
	for range *rounds {
		taken := make([]float64, len(list))
		for _, i := range rand.Perm(len(list)) {
			if rows[i].err == nil {
				taken[i], rows[i].err = one(dir, self, w, &list[i], &rows[i])
			}
		}
		if rows[0].err != nil {
			return rows[0].err
		}
		base = append(base, taken[0])
		for i := range rows {
			if rows[i].err == nil {
				rows[i].added = append(rows[i].added, taken[i]-taken[0])
			}
		}
	}
	command := strings.Replace(strings.Join(w.args, " "), self, "tracers", 1)
	fmt.Printf("\n%s: %s\n\n", w.name, command)
	fmt.Printf("Without a tracer a %s takes %s ns of CPU time, all that goes with it included.\n\n",
		w.unit, estimate(base, 0))
	table(list, rows, w.unit)
	if *programs {
		programTable(list, rows)
	}
	return nil
}

// estimate writes the median of what was seen, and its interval.
func estimate(v []float64, digits int) string {
	if len(v) == 0 {
		return "–"
	}
	e := stats.Median(v)
	f := func(x float64) string { return strconv.FormatFloat(x, 'f', digits, 64) }
	return f(e.Median) + " (" + f(e.Low) + " … " + f(e.High) + ")"
}

// pairs combines what was seen of two in the same rounds: what slows the machine down slows both.
func pairs(a, b []float64, combine func(a, b float64) float64) []float64 {
	var list []float64
	for i := range min(len(a), len(b)) {
		list = append(list, combine(a[i], b[i]))
	}
	return list
}

func difference(a, b float64) float64 { return a - b }
func ratio(a, b float64) float64      { return a / b }

// table prints what each tracer adds to a unit.
func table(list []tracer, rows []row, unit string) {
	heads := []string{"tracer", "added a " + unit + ", ns", "of perf's", "of runqlat's"}
	if *before != "" {
		heads = append(heads, "more than before, ns")
	}
	heads = append(heads, "bytes an event", "lost")
	fmt.Printf("| %s |\n", strings.Join(heads, " | "))
	fmt.Printf("|:--%s|\n", strings.Repeat("|--:", len(heads)-1))
	added := map[string][]float64{}
	for i, t := range list {
		added[t.name] = rows[i].added
	}
	for i, t := range list[1:] {
		r := rows[i+1]
		if r.err != nil {
			fmt.Printf("| %s | %v%s |\n", t.name, r.err, strings.Repeat(" |", len(heads)-2))
			continue
		}
		cells := []string{t.name, estimate(r.added, 0)}
		for _, to := range []string{"perf sched record", "runqlat (libbpf-tools)"} {
			if t.name == to {
				cells = append(cells, "–")
			} else {
				cells = append(cells, estimate(pairs(r.added, added[to], ratio), 2))
			}
		}
		if *before != "" {
			cells = append(cells, estimate(pairs(r.added, added[t.name+earlier], difference), 0))
		}
		perEvent, lost := "–", "–"
		if r.perEvent > 0 {
			perEvent = fmt.Sprintf("%.1f", r.perEvent)
		}
		if t.after != nil {
			lost = strconv.FormatUint(r.lost, 10)
		}
		fmt.Printf("| %s |\n", strings.Join(append(cells, perEvent, lost), " | "))
	}
}

// programTable prints what a run of each BPF program takes.
func programTable(list []tracer, rows []row) {
	fmt.Print("\n| tracer | BPF program | a run, ns |")
	if *before != "" {
		fmt.Print(" more than before, ns |")
	}
	fmt.Printf("\n|:--|:--|--:|%s\n", strings.Repeat("--:|", min(len(*before), 1)))
	of := map[string]map[string][]float64{}
	for i, t := range list {
		of[t.name] = rows[i].programs
	}
	for i, t := range list {
		for _, name := range slices.Sorted(maps.Keys(rows[i].programs)) {
			runs := rows[i].programs[name]
			if len(runs) < *rounds { // somebody else's
				continue
			}
			fmt.Printf("| %s | `%s` | %s |", t.name, name, estimate(runs, 1))
			if *before != "" {
				fmt.Printf(" %s |", estimate(pairs(runs, of[t.name+earlier][name], difference), 1))
			}
			fmt.Println()
		}
	}
}
