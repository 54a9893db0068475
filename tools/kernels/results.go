package main

import (
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

type status string

const (
	passed  status = "PASS"
	failed  status = "FAIL"
	skipped status = "SKIP"
)

// A test is one that ran or should have: a suite, and the test's full name.
type test struct{ suite, name string }

func (t test) String() string { return t.suite + " " + t.name }

type result struct {
	status status
	log    []string // what it said, if it failed
}

type results map[test]result

func (r results) count(s status) (n int) {
	for _, res := range r {
		if res.status == s {
			n++
		}
	}
	return n
}

// What init prints between the suites' output.
const mark = "@@ "

// The testing package ends a test with such a line; with -test.v=test2json it is preceded by ^V,
// for what the test printed itself need not have ended a line.
var verdict = regexp.MustCompile(`(?:^|\x16)\s*--- (PASS|FAIL|SKIP): (.+) \([0-9.]+s\)$`)

// read collects the results from a guest's console. A suite has a result of its own, under no
// test's name.
func read(console []string) (release string, r results) {
	r = results{}
	var at string
	var log, out []string
	for _, line := range console {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			what, rest, _ := strings.Cut(rest, " ")
			switch what {
			case "release":
				release = rest
			case "begin":
				at, log, out = rest, nil, nil
			case "end":
				end := result{status: passed}
				if rest != "0" {
					end = result{failed, append(tail(log), rest)}
				}
				if at == "compare" {
					if err := judge(strings.Join(out, "\n"), r); err != nil {
						end = result{failed, append(end.log, err.Error())}
					}
				}
				r[test{at, ""}] = end
				at = ""
			}
			continue
		}
		if at == "" {
			continue
		}
		out = append(out, line)
		m := verdict.FindStringSubmatch(line)
		if m == nil {
			if !strings.Contains(line, "\x16=== ") {
				log = append(log, line)
			}
			continue
		}
		res := result{status: status(m[1])}
		if res.status != passed {
			res.log = tail(log)
		}
		r[test{at, m[2]}] = res
		log = nil
	}
	if at != "" {
		r[test{at, ""}] = result{failed, append(tail(log), "the guest stopped in the middle")}
	}
	return release, r
}

func tail(log []string) []string { return slices.Clone(log[max(0, len(log)-20):]) }

// tests.txt has the tests that must pass, one a line: suite, name, and after skip= the kernels that
// may skip it.
//
//go:embed tests.txt
var table string

// tableFile is where update writes it, below the folder of the module.
const tableFile = "tools/kernels/tests.txt"

// expected returns the table, and for each test the kernels that may skip it.
func expected(table string) map[test][]string {
	list := make(map[test][]string)
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 2 || strings.HasPrefix(line, "#") {
			continue
		}
		var may []string
		if len(fields) > 2 {
			may = strings.Split(strings.TrimPrefix(fields[2], "skip="), ",")
		}
		list[test{fields[0], fields[1]}] = may
	}
	return list
}

// faults says what is wrong with a guest's results: what failed, what was skipped and should not
// have been, and what never ran. With full, the table's tests are expected besides those the
// binaries list.
func faults(k kernel, suites []suite, r results, full bool) (list []string) {
	may := expected(table)
	want := map[test]bool{}
	for _, s := range suites {
		want[test{s.name, ""}] = true
		for _, name := range s.tests {
			want[test{s.name, name}] = true
		}
	}
	if full {
		for t := range may {
			want[t] = true
		}
	}
	for t, res := range r {
		switch {
		case res.status == failed:
			list = append(list, fmt.Sprintf("%v FAILED:\n\t%s", t, strings.Join(res.log, "\n\t")))
		case res.status == skipped && full && !slices.Contains(may[t], k.name):
			list = append(list, fmt.Sprintf("%v was skipped, and may not be (tests.txt): %s", t,
				strings.Join(res.log, " ")))
		}
	}
	for t := range want {
		if _, ran := r[t]; !ran && !under(r, t) {
			list = append(list, fmt.Sprintf("%v did not run", t))
		}
	}
	slices.Sort(list)
	return list
}

// under reports whether t lies below a test that was skipped or failed: it has been said once then.
func under(r results, t test) bool {
	for name := t.name; ; {
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return false
		}
		name = name[:i]
		if res, ok := r[test{t.suite, name}]; ok && res.status != passed {
			return true
		}
	}
}

// update adds to the table what passed somewhere, and where it was skipped. Nothing goes by itself:
// a test that is gone on purpose is taken out by hand.
func update(outcomes []outcome) error {
	old := expected(table)
	now := maps.Clone(old)
	for _, o := range outcomes {
		if o.skipped != nil {
			continue
		}
		for t, res := range o.results {
			if t.name == "" || res.status == failed {
				continue
			}
			may := slices.DeleteFunc(slices.Clone(now[t]), func(k string) bool {
				return k == o.kernel.name
			})
			if res.status == skipped {
				may = append(may, o.kernel.name)
			}
			now[t] = may
		}
	}
	return writeTable(now)
}

// listed returns a table with the tests that the suites' programs list, and without those that they
// do not, nor what is below them. Who may skip a new one only a guest can tell.
func listed(old map[test][]string, suites []suite) map[test][]string {
	now := maps.Clone(old)
	for _, s := range suites {
		if s.pkg == "" {
			continue
		}
		for _, name := range s.tests {
			now[test{s.name, name}] = old[test{s.name, name}]
		}
		maps.DeleteFunc(now, func(t test, _ []string) bool {
			top, _, _ := strings.Cut(t.name, "/")
			return t.suite == s.name && !slices.Contains(s.tests, top)
		})
	}
	return now
}

// writeTable writes the table anew, in order.
func writeTable(now map[test][]string) error {
	var b strings.Builder
	b.WriteString("# What must pass in every kernel; made by: go run ./tools/kernels -update\n")
	for _, t := range slices.SortedFunc(maps.Keys(now), func(a, b test) int {
		return strings.Compare(a.String(), b.String())
	}) {
		b.WriteString(t.String())
		if may := now[t]; len(may) > 0 {
			slices.Sort(may)
			b.WriteString(" skip=" + strings.Join(may, ","))
		}
		b.WriteByte('\n')
	}
	return os.WriteFile(filepath.FromSlash(tableFile), []byte(b.String()), 0o644)
}
