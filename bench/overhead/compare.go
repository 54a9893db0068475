package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"switchyard/internal/report"
	"switchyard/internal/stats"
)

// whole measures what tracing costs the requests per second that `switchyard compare` prints: it is
// run at its defaults, traced and with --no-trace, so many times each, in turn. The ratio of one
// run to the one without tracing beside it is one observation.
func whole(pairs int, models []string) error {
	var names []string
	lost := make(map[string][]float64)
	var together []float64
	for i := range pairs {
		var rates [2]map[string]float64 // untraced, traced
		for k := range 2 {
			which := (i + k) % 2
			order, rate, err := compared(which == 1, models)
			if err != nil {
				return err
			}
			names, rates[which] = order, rate
		}
		var pair []float64
		for name, without := range rates[0] {
			if with, ok := rates[1][name]; ok {
				lost[name] = append(lost[name], 1-with/without)
				pair = append(pair, 1-with/without)
			}
		}
		if len(pair) == 0 {
			return errors.New("no model ran both ways")
		}
		together = append(together, stats.Median(pair).Median)
	}
	fmt.Print("| model | requests/s lost by tracing |\n|:--|--:|\n")
	for _, name := range names {
		if len(lost[name]) > 0 {
			fmt.Printf("| `%s` | %s |\n", name, share(lost[name]))
		}
	}
	fmt.Printf("| all together | %s |\n", share(together))
	return nil
}

// compared runs compare once, and returns its rows' names and requests per second.
func compared(traced bool, models []string) (names []string, rates map[string]float64, err error) {
	args := append([]string{"compare", "--quiet", "--format", "json"}, models...)
	if !traced {
		args = append(args, "--no-trace")
	}
	cmd := exec.Command(*binary, args...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := cmd.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", cmd, err)
	}
	var result report.Compare
	if err := json.Unmarshal(out, &result); err != nil {
		return nil, nil, err
	}
	rates = make(map[string]float64)
	for i := range result.Models {
		m := &result.Models[i]
		if m.RequestsPerSecond == nil {
			continue // it cannot run here
		}
		if traced && !m.Traced {
			return nil, nil, fmt.Errorf("%s was not traced: %s", m.Model, m.TraceReason)
		}
		names = append(names, m.Model)
		rates[m.Model] = *m.RequestsPerSecond
	}
	return names, rates, nil
}
