package doctor

import (
	"context"
	"fmt"
	"io"

	"switchyard/internal/report"
	"switchyard/trace"
)

// Report is what `switchyard doctor` shows.
type Report struct {
	Schema   string    `json:"schema"`
	Findings []Finding `json:"findings"`
	// Prices are what the probes cost; none until Measure.
	Prices []report.ProbeCost `json:"prices,omitempty"`
}

// NewReport examines this machine.
func NewReport() *Report {
	return &Report{Schema: "switchyard.doctor/1", Findings: Examine()}
}

// Measure measures what the probes cost here, for some seconds. It needs the privileges of tracing.
func (r *Report) Measure(ctx context.Context) error {
	prices, err := trace.Calibrate(ctx, priceRounds)
	if err != nil {
		return err
	}
	r.Prices = report.OfPrices(prices)
	return nil
}

// priceRounds is in how many rounds a price is measured.
const priceRounds = 41

// WriteText writes it for people, on a page so wide; 0 is not known.
func (r *Report) WriteText(w io.Writer, width int) error {
	if err := writeFindings(w, width, r.Findings); err != nil || r.Prices == nil {
		return err
	}
	fmt.Fprintln(w)
	return writePrices(w, width, r.Prices)
}

func writePrices(w io.Writer, width int, prices []report.ProbeCost) error {
	rows := [][]string{{"WHAT THE PROBES ADD", "NS", "INTERVAL", "TO", "WHICH TAKES, NS"}}
	for _, p := range prices {
		ns := "–"
		if p.Found() {
			ns = fmt.Sprintf("%.0f", p.Added.Median)
		}
		rows = append(rows, []string{p.Doc, ns,
			fmt.Sprintf("%.0f to %.0f", p.Added.Low, p.Added.High), report.Printable(p.Unit),
			fmt.Sprintf("%.0f", p.Without.Median)})
	}
	if err := report.WriteTable(w, width, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nmedians of %d rounds with the probes on and off in turn; "+
		"an interval holds the true median with 95 %%; a dash is lost in the noise\n",
		priceRounds)
	return err
}

func writeFindings(w io.Writer, width int, list []Finding) error {
	var rows [][]string
	group, n := "", map[Status]int{}
	for i, f := range list {
		if f.Group != group {
			group = f.Group
			rows = append(rows, []string{group})
		}
		n[f.Status]++
		rows = append(rows, []string{"", string(f.Status), f.Name, f.Value})
		// One remedy for several in a row stands below the last of them.
		last := i == len(list)-1 || list[i+1].Group != group || list[i+1].Remedy != f.Remedy
		if f.Remedy != "" && last {
			rows = append(rows, []string{"", "", "", "→ " + f.Remedy})
		}
	}
	if err := report.WriteTable(w, width, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d work, %d missing, %d unknown\n", n[Works],
		n[Missing], n[Unknown])
	return err
}
