package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"switchyard/internal/report"
	"switchyard/internal/rounds"
	"switchyard/trace"
)

// How many rounds a price is measured in: beside a result it must not take long.
const (
	calibrateRounds = 9
	doctorRounds    = 41
)

var priceDocs = map[string]string{
	trace.CostCount:       "count depth, a traced task",
	trace.CostCountOthers: "count depth, other tasks",
	trace.CostTLB:         "TLB flushes, on top of it",
	trace.CostSyscall:     "system calls by name, any task",
	trace.CostRecord:      "record depth, a traced task",
}

// prices measures what the named probes cost, here and now.
func prices(ctx context.Context, times int, names ...string) ([]rounds.Price, error) {
	costs, err := trace.Calibrate(ctx, times, names...)
	if err != nil {
		return nil, err
	}
	var list []rounds.Price
	for _, c := range costs {
		list = append(list, rounds.Price{Name: c.Name, Doc: priceDocs[c.Name], Unit: c.Unit,
			Added: c.Added, Without: c.Without, Events: c.Events})
	}
	return list, nil
}

// calibrate is prices, summed up.
func calibrate(ctx context.Context, times int, names ...string) ([]report.ProbeCost, error) {
	measured, err := prices(ctx, times, names...)
	if err != nil {
		return nil, err
	}
	var list []report.ProbeCost
	for i := range measured {
		list = append(list, report.OfPrice(&measured[i]))
	}
	return list, nil
}

// calibrateFlag adds --calibrate to a command whose result says what its probes cost.
func calibrateFlag(cmd *cobra.Command, p *bool) {
	cmd.Flags().BoolVar(p, "calibrate", true,
		"measure afterwards what the probes cost here, for about a second")
}

// perEvent measures what an event of a depth costs. Without an answer there is a reason.
func perEvent(ctx context.Context, wanted bool, name string) (ns *float64, how string) {
	if !wanted {
		return nil, "not asked for (--calibrate)"
	}
	prices, err := calibrate(ctx, calibrateRounds, name)
	if ctx.Err() != nil {
		return nil, "interrupted while it was measured"
	}
	if err != nil {
		return nil, err.Error()
	}
	i := slices.IndexFunc(prices, func(p report.ProbeCost) bool { return p.Name == name })
	return prices[i].Price()
}

func writePrices(env Env, prices []report.ProbeCost) error {
	rows := [][]string{{"WHAT THE PROBES ADD", "NS", "INTERVAL", "TO", "WHICH TAKES, NS"}}
	for _, p := range prices {
		rows = append(rows, []string{p.Doc, fmt.Sprintf("%.0f", p.Added.Median),
			fmt.Sprintf("%.0f to %.0f", p.Added.Low, p.Added.High), report.Printable(p.Unit),
			fmt.Sprintf("%.0f", p.Without.Median)})
	}
	if err := env.writeTable(rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.Stdout, "\nmedians of %d rounds with the probes on and off in turn; "+
		"an interval holds the true median with 95 %%\n", doctorRounds)
	return err
}
