package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const console = `
@@ release 5.10.0
 
@@ begin trace
` + "\x16=== RUN   TestGood\n\x16=== RUN   TestGood/23\nsaid\x16    --- PASS: TestGood/23 (0.10s)\n\x16--- PASS: TestGood (0.10s)\n" +
	"\x16=== RUN   TestBad\n    a_test.go:1: went wrong\n\x16--- FAIL: TestBad (1.00s)\n" +
	"\x16=== RUN   TestAble\n    a_test.go:2: not here\n\x16--- SKIP: TestAble (0.00s)\n" + `FAIL

@@ end exit status 1

@@ begin compare
{
  "models": [
    {"model": "poll/epoll", "available": true, "requests": 9, "traced": true, "checks": [{"name": "nvcsw", "ok": true, "available": true}]},
    {"model": "threads/pool", "available": true, "requests": 9, "traced": true, "lost_events": 2,
     "checks": [{"name": "nvcsw", "ok": false, "available": true, "traced": 1, "kernel": 2}]},
    {"model": "fork/per-conn", "available": true, "requests": 9, "traced": false, "trace_reason": "no BTF"}
  ]
}

@@ end 0

@@ begin conformance
` + "\x16=== RUN   TestConformance\n"

func TestRead(t *testing.T) {
	release, r := read(strings.Split(console, "\n"))
	if release != "5.10.0" {
		t.Errorf("release %q", release)
	}
	for name, want := range map[test]status{
		{"trace", ""}:                failed,
		{"trace", "TestGood"}:        passed,
		{"trace", "TestGood/23"}:     passed,
		{"trace", "TestBad"}:         failed,
		{"trace", "TestAble"}:        skipped,
		{"compare", ""}:              passed,
		{"compare", "poll/epoll"}:    passed,
		{"compare", "threads/pool"}:  failed,
		{"compare", "fork/per-conn"}: failed,
		{"conformance", ""}:          failed, // the guest stopped in it
	} {
		if got := r[name].status; got != want {
			t.Errorf("%v: %q, want %q", name, got, want)
		}
	}
	if len(r) != 10 {
		t.Errorf("%d results: %v", len(r), r)
	}
	if log := strings.Join(r[test{"trace", "TestBad"}].log, ""); !strings.Contains(log,
		"went wrong") {
		t.Errorf("what the failed test said: %q", log)
	}
}

// TestFaults: what vanished, failed or was skipped without leave is a fault, and nothing else is.
func TestFaults(t *testing.T) {
	defer func(old string) { table = old }(table)
	table = "# a comment\ntrace TestAble skip=5.10,6.1\ntrace TestGood\ntrace TestGood/23\n"
	suites := []suite{{name: "trace", tests: []string{"TestGood", "TestAble"}}}
	all := func(change func(r results)) results {
		r := results{
			{"trace", ""}:            {status: passed},
			{"trace", "TestGood"}:    {status: passed},
			{"trace", "TestGood/23"}: {status: passed},
			{"trace", "TestAble"}:    {status: skipped},
		}
		change(r)
		return r
	}
	for _, c := range []struct {
		kernel string
		change func(r results)
		want   string
	}{
		{"5.10", func(r results) {}, ""},
		{"7.x", func(r results) {}, "trace TestAble was skipped"},
		{"5.10", func(r results) {
			delete(r, test{"trace", "TestGood"})
		}, "trace TestGood did not run"},
		{"5.10", func(r results) {
			delete(r, test{"trace", "TestGood/23"})
		}, "trace TestGood/23 did not run"},
		{"5.10", func(r results) { delete(r, test{"trace", ""}) }, "trace  did not run"},
		{"5.10", func(r results) {
			r[test{"trace", "TestGood/23"}] = result{status: failed}
		}, "trace TestGood/23 FAILED"},
		{"5.10", func(r results) {
			r[test{"trace", "TestNew"}] = result{status: failed}
		}, "trace TestNew FAILED"},
		{"5.10", func(r results) { r[test{"trace", "TestNew"}] = result{status: passed} }, ""},
		{"5.10", func(r results) {
			r[test{"trace", "TestNew"}] = result{status: skipped}
		}, "trace TestNew was skipped"},
	} {
		got := faults(kernel{name: c.kernel}, suites, all(c.change), true)
		if c.want == "" && len(got) > 0 || c.want != "" &&
			(len(got) != 1 || !strings.HasPrefix(got[0], c.want)) {
			t.Errorf("%s: %q, want %q", c.kernel, got, c.want)
		}
	}
}

// TestTable: the table is one, and has something of every suite.
func TestTable(t *testing.T) {
	of := map[string]int{}
	for e, may := range expected(table) {
		of[e.suite]++
		for _, name := range may {
			if _, err := choose(name); err != nil {
				t.Errorf("%v: %v", e, err)
			}
		}
	}
	for _, s := range suitesFor("") {
		if of[s.name] == 0 {
			t.Errorf("tests.txt has nothing of %s", s.name)
		}
	}
}

func TestChoose(t *testing.T) {
	for names, want := range map[string]string{"": "5.10 6.1 6.12 7.x", "5.10, 7.x": "5.10 7.x",
		"6.12": "6.12", "4.4": ""} {
		list, err := choose(names)
		var got []string
		for _, k := range list {
			got = append(got, k.name)
		}
		if strings.Join(got, " ") != want || (err != nil) != (want == "") {
			t.Errorf("%q: %v, %v", names, got, err)
		}
	}
}

// What -update writes is what is read.
func TestTableFile(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(tableFile)))
	if err != nil || string(b) != table {
		t.Errorf("%s is not the table: %v", tableFile, err)
	}
}

// A test that is new is listed, one that is gone is not, and who may skip another stays.
func TestListed(t *testing.T) {
	old := expected("a TestOld\na TestOld/sub\na TestKept skip=5.10\na TestKept/sub\nb TestB\n")
	got := listed(old, []suite{{name: "a", pkg: "p", tests: []string{"TestKept", "TestNew"}},
		{name: "compare"}})
	want := map[test][]string{{"a", "TestKept"}: {"5.10"}, {"a", "TestKept/sub"}: nil,
		{"a", "TestNew"}: nil, {"b", "TestB"}: nil}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
