package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// A suite is one program that a guest runs, and what is expected of it.
type suite struct {
	name  string
	pkg   string   // whose test binary it is; "": switchyard itself
	list  string   // which of its tests
	skip  string   // and which not
	args  []string // of the program
	limit time.Duration
	tests []string // what the binary says it has
}

// models are one of each family; fork/per-conn has the child with no Go runtime behind it.
var models = []string{"fork/per-conn", "poll/epoll", "threads/pool"}

// suitesFor returns what is run: all, or the tests that match.
func suitesFor(match string) []suite {
	test := func(pattern, skip string, limit time.Duration) []string {
		return []string{"-test.v=test2json", "-test.run=" + pattern, "-test.skip=" + skip,
			"-test.timeout=" + limit.String()}
	}
	const long = 5 * time.Minute
	if match != "" {
		top, _, _ := strings.Cut(match, "/")
		return []suite{{name: "trace", pkg: "trace", list: top, args: test(match, "", long),
			limit: long}}
	}
	var alternatives []string
	for _, m := range models {
		family, design, _ := strings.Cut(m, "/")
		alternatives = append(alternatives, fmt.Sprintf("^TestConformance$/^%s$/^%s$", family,
			design))
	}
	conformance := strings.Join(alternatives, "|")
	const (
		noFallbacks = "^TestFallbacks$"                       // each kernel has its own
		noTools     = "^TestConformance$/././^(curl|wrk|ab)$" // there are none in a guest
	)
	return []suite{
		{name: "trace", pkg: "trace", list: ".", skip: noFallbacks, args: test(".", noFallbacks,
			long), limit: long},
		{name: "switchcost", pkg: "trace/switchcost", list: ".", args: test(".", "", long),
			limit: long},
		{name: "bpf", pkg: "internal/bpf", list: ".", args: test(".", "", long), limit: long},
		{name: "conformance", pkg: "internal/conformance", list: "^TestConformance$",
			args: test(conformance, noTools, long), limit: long},
		{name: "compare", args: append(append([]string{"compare"}, models...),
			"--clients", "2", "--duration", "500ms", "--rounds", "1", "--format", "json", "-q"),
			limit: 2 * time.Minute},
	}
}

// binary is the suite's program in the initramfs.
func (s suite) binary() string {
	if s.pkg == "" {
		return "switchyard"
	}
	return s.name + ".test"
}

// job is the suite's line in the file init reads: name, seconds, program and arguments, with tabs
// between.
func (s suite) job() string {
	return strings.Join(append([]string{s.name, fmt.Sprint(int(s.limit.Seconds())),
		"/bin/" + s.binary()}, s.args...), "\t")
}

// comparison is what is read of the JSON that compare prints.
type comparison struct {
	Models []struct {
		Model     string
		Available bool
		Reason    string
		Requests  uint64
		Errors    uint64
		Traced    bool
		Reasons   string `json:"trace_reason"`
		Lost      uint64 `json:"lost_events"`
		Checks    []struct {
			Name      string
			OK        bool
			Available bool
			Reason    string
			Traced    uint64
			Kernel    uint64
		}
	}
}

// judge turns the output of compare into a result for each model: it served, it was traced, and the
// sums add up.
func judge(out string, r results) error {
	begin := strings.Index(out, "{\n")
	if begin < 0 {
		return fmt.Errorf("compare printed no JSON:\n%s", out)
	}
	var c comparison
	if err := json.NewDecoder(strings.NewReader(out[begin:])).Decode(&c); err != nil {
		return fmt.Errorf("compare's JSON: %w:\n%s", err, out)
	}
	for _, m := range c.Models {
		var bad []string
		if !m.Available || m.Requests == 0 || m.Errors > 0 {
			bad = append(bad, fmt.Sprintf("%d requests, %d errors: %s", m.Requests, m.Errors,
				m.Reason))
		}
		// A few may be lost where probes can be preempted.
		if !m.Traced || m.Lost > m.Requests/10 {
			bad = append(bad, fmt.Sprintf("traced: %v, %d events lost: %s", m.Traced, m.Lost,
				m.Reasons))
		}
		checked := 0
		for _, k := range m.Checks {
			switch {
			case k.OK:
				checked++
			case k.Name == "sum_exec_runtime":
				// The emulated CPUs take turns: time passes on one that stands still, and nobody
				// says so.
			case k.Available:
				bad = append(bad, fmt.Sprintf("check %s: %s: traced %d, kernel %d", k.Name,
					k.Reason, k.Traced, k.Kernel))
			}
		}
		if checked == 0 {
			bad = append(bad, "no check passed")
		}
		res := result{status: passed}
		if len(bad) > 0 {
			res = result{status: failed, log: bad}
		}
		r[test{"compare", m.Model}] = res
	}
	return nil
}
