package run

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"switchyard/internal/testenv"
	"switchyard/trace/event"
)

// output is what a program prints that is started in a directory.
func output(dir string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", args[0], err, stderr.String())
	}
	return string(out), err
}

// havePandas is nil where pandas can read Parquet.
func havePandas() error {
	_, err := output("", "python3", "-c", "import pandas, pyarrow.parquet")
	return err
}

// What pandas reads, with Apache Arrow's reader, is what was written: every column of every event,
// all other tables to their last row, and what the example of docs/run-directory.md prints.
func TestPandas(t *testing.T) {
	if err := havePandas(); err != nil {
		testenv.Skip(t, "pandas with pyarrow is not there", havePandas)
	}
	doc, err := os.ReadFile("../../docs/run-directory.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```python\n(.*?)```").FindSubmatch(doc)
	if example == nil {
		t.Fatal("no example")
	}
	s := newStream(1, 2, 40, true)
	events := s.events(groupRows + 20_000) // two row groups
	table := s.table()
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, events, table)

	out, err := output(dir, "python3", "-c", `
import pandas as pd
events = pd.read_parquet("events.parquet")
n = events.drop(columns="kind").fillna(0).astype("int64")
n = (n.time_ns % 1009 + n.cpu * 3 + n.task * 7 + n["flags"] * 11 + n.prio * 13 + n.other_prio * 17 + n.state * 19
     + n.other * 23 + (n.at_cpu + n.syscall + n.result) * 29) * (n.index % 101)
print(len(events), n.sum())
kinds = events.kind.value_counts()
print(*(f"{k}={kinds[k]}" for k in sorted(kinds.index)))
tasks = pd.read_parquet("tasks.parquet")
print(len(tasks), *sorted(set(tasks.name)))
print(len(pd.read_parquet("snapshots.parquet")), len(pd.read_parquet("lost.parquet")))
`)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	switches := map[event.TaskID]int{}
	for i := range events {
		kinds[kindNames[events[i].Kind]]++
		if events[i].Kind == event.Switch {
			switches[events[i].Task]++
		}
	}
	var list, names []string
	for k, n := range kinds {
		list = append(list, fmt.Sprintf("%s=%d", k, n))
	}
	for i := range table {
		names = append(names, table[i].Name)
	}
	slices.Sort(list)
	slices.Sort(names)
	want := fmt.Sprintf("%d %d\n%s\n%d %s\n0 0\n", len(events), added(events),
		strings.Join(list, " "), len(table), strings.Join(slices.Compact(names), " "))
	if out != want {
		t.Errorf("pandas has\n%s\nwant\n%s", out, want)
	}

	out, err = output(dir, "python3", "-c", string(example[1]))
	if err != nil {
		t.Fatal(err)
	}
	printed, before := 0, len(events)
	for in := bufio.NewScanner(strings.NewReader(out)); in.Scan(); {
		var task event.TaskID
		var n int
		if _, err := fmt.Sscan(in.Text(), &task, &n); err != nil {
			continue // the heading and the foot
		}
		if n != switches[task] || n > before {
			t.Errorf("task %d has %d switches after one with %d, want %d", task, n, before,
				switches[task])
		}
		printed, before = printed+1, n
	}
	if printed != 10 {
		t.Errorf("%d tasks in\n%s", printed, out)
	}
}

// haveParquetTools is nil where Apache Arrow's tools are.
func haveParquetTools() error {
	_, err := exec.LookPath("parquet-reader")
	return err
}

// Apache Arrow's parquet-tools scan every table, and print the times and tasks of all events as
// they were written.
func TestParquetTools(t *testing.T) {
	if err := haveParquetTools(); err != nil {
		testenv.Skip(t, "Apache Arrow's parquet-tools are not there", haveParquetTools)
	}
	s := newStream(1, 2, 40, true)
	events := s.events(groupRows + 20_000)
	table := s.table()
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, events, table)
	for _, c := range []struct {
		file string
		rows int
	}{{"events.parquet", len(events)}, {"tasks.parquet", len(table)}} {
		out, err := output(dir, "parquet-scan", c.file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(out, fmt.Sprintf("%d rows scanned", c.rows)) {
			t.Errorf("%s: %s, want %d rows", c.file, out, c.rows)
		}
	}
	for _, file := range []string{"snapshots.parquet", "lost.parquet"} {
		if _, err := output(dir, "parquet-scan", file); err != nil {
			t.Error(err)
		}
	}
	out, err := output(dir, "parquet-reader", "--columns=0,3", "events.parquet")
	if err != nil {
		t.Fatal(err)
	}
	row := 0
	for in := bufio.NewScanner(strings.NewReader(out)); in.Scan(); {
		left, right, ok := strings.Cut(in.Text(), "|")
		var at int64
		var task event.TaskID
		if !ok {
			continue
		} else if _, err := fmt.Sscan(left, &at); err != nil {
			continue // the heading
		} else if _, err := fmt.Sscan(strings.Trim(right, " |"), &task); err != nil {
			t.Fatalf("row %d is %q", row, in.Text())
		}
		if row >= len(events) || at != events[row].Time || task != events[row].Task {
			t.Fatalf("row %d is of task %d at %d", row, task, at)
		}
		row++
	}
	if row != len(events) {
		t.Errorf("%d rows, want %d", row, len(events))
	}
}
