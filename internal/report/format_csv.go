package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"switchyard/trace/event"
)

func init() {
	register(Format{
		Name:    "csv",
		Compare: func(w io.Writer, c *Compare, _ int) error { return c.WriteCSV(w) },
	})
}

// WriteCSV writes one line a model with unrounded numbers; an empty field is a
// number that could not be measured.
func (c *Compare) WriteCSV(w io.Writer) error {
	cw := csv.NewWriter(w)
	head := []string{"model", "available", "reason", "requests", "errors", "unfinished"}
	for _, col := range fixed {
		head = append(head, col.key)
	}
	head = append(head, "requests/s low", "requests/s high", "confidence", "lost events", "checks", "latencies at least")
	more := ofPart(c.columns(), 3)
	for _, col := range more {
		head = append(head, cell(col.key))
	}
	if err := cw.Write(head); err != nil {
		return err
	}
	number := func(v *float64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'g', -1, 64)
	}
	for _, r := range c.Models {
		row := []string{cell(r.Model), strconv.FormatBool(r.Available), cell(r.Reason),
			strconv.FormatUint(r.Requests, 10), strconv.FormatUint(r.Errors, 10),
			strconv.FormatUint(r.Unfinished, 10)}
		for _, col := range fixed {
			row = append(row, number(col.value(r)))
		}
		checks := "none"
		for _, k := range r.Checks {
			switch {
			case k.Status == event.Fail:
				checks = "fail"
			case k.OK() && checks == "none":
				checks = "pass"
			}
		}
		if r.Rate.Interval() {
			row = append(row, number(&r.Rate.Low), number(&r.Rate.High), number(&r.Rate.Confidence))
		} else {
			row = append(row, "", "", "")
		}
		row = append(row, strconv.FormatUint(r.LostEvents, 10), checks)
		least := ""
		if r.Latency != nil {
			least = strings.Join(r.Latency.AtLeast.Keys(), " ")
		}
		row = append(row, least)
		for _, col := range more {
			row = append(row, number(col.value(r)))
		}
		if err := cw.Write(row); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}

// cell keeps a spreadsheet from taking a text for a formula, and a terminal
// from obeying it.
func cell(s string) string {
	s = Printable(s)
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
