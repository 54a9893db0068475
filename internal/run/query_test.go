package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"switchyard/internal/testenv"
	"switchyard/trace/event"
)

// A duckdb runs a query in a directory and prints its rows as a JSON array of objects.
type duckdb struct{ command []string }

// duckdbs are the forms in which DuckDB may be there: its own program, and its Python and Node.js
// packages. The query is the last argument.
var duckdbs = []duckdb{
	{[]string{"duckdb", "-json", "-c"}},
	{[]string{"python3", "-c", `
import duckdb, json, sys
r = duckdb.sql(sys.argv[1])
print(json.dumps([dict(zip(r.columns, row)) for row in r.fetchall()], default=str))`}},
	{[]string{"node", "-e", `
const { DuckDBInstance } = require('@duckdb/node-api');
DuckDBInstance.create(':memory:').then(db => db.connect()).then(c => c.runAndReadAll(process.argv[1]))
  .then(r => console.log(JSON.stringify(r.getRowObjectsJson())))
  .catch(e => { console.error(String(e)); process.exit(1); });`}},
}

func (d duckdb) query(dir, sql string) (rows []map[string]any, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, d.command[0], append(d.command[1:len(d.command):len(d.command)],
		sql)...)
	cmd.Dir = dir
	cmd.Env = os.Environ()
	if os.Getenv("NODE_PATH") == "" {
		if root, err := exec.Command("npm", "root", "-g").Output(); err == nil {
			cmd.Env = append(cmd.Env, "NODE_PATH="+strings.TrimSpace(string(root)))
		}
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", d.command[0], err, stderr.String())
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	decoder.UseNumber()
	return rows, decoder.Decode(&rows)
}

// findDuckDB returns the first that works.
func findDuckDB() (*duckdb, error) {
	var errs []error
	for i := range duckdbs {
		_, err := duckdbs[i].query("", "SELECT 1 AS one")
		if err == nil {
			return &duckdbs[i], nil
		}
		errs = append(errs, errors.New(strings.SplitN(err.Error(), "\n", 2)[0]))
	}
	return nil, errors.Join(errs...)
}

// The examples of docs/run-directory.md run in DuckDB, and what they say is what went in: another
// reader of Parquet, by other people, understands the tables.
func TestQueries(t *testing.T) {
	db, err := findDuckDB()
	if err != nil {
		testenv.Skip(t, "DuckDB is not there", func() error { _, err := findDuckDB(); return err })
	}
	doc, err := os.ReadFile("../../docs/run-directory.md")
	if err != nil {
		t.Fatal(err)
	}
	var examples []string
	for _, m := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllSubmatch(doc, -1) {
		examples = append(examples, string(m[1]))
	}
	s := newStream(1, 2, 40, true)
	events := s.events(groupRows + 20_000) // two row groups
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, events, s.table())

	// What the examples should say.
	kinds := map[string]int{}
	voluntary, involuntary := map[event.TaskID]int{}, map[event.TaskID]int{}
	onCPU := map[event.TaskID]int64{}
	since := map[uint16]int64{}
	left := map[event.TaskID]bool{}
	woken := map[event.TaskID]int64{}
	latencies, longest := 0, int64(0)
	for i := range events {
		e := &events[i]
		kinds[kindNames[e.Kind]]++
		switch e.Kind {
		case event.Switch:
			if e.Flags&event.FlagVoluntary != 0 {
				voluntary[e.Task]++
			} else {
				involuntary[e.Task]++
			}
			if began, ok := since[e.CPU]; ok {
				onCPU[e.Task] += e.Time - began
			}
			since[e.CPU] = e.Time
			left[e.Task] = true
			delete(woken, e.Task)
			if at, ok := woken[e.Other]; ok {
				latencies++
				longest = max(longest, e.Time-at)
				delete(woken, e.Other)
			}
		case event.Waking:
			if _, ok := woken[e.Task]; !ok {
				woken[e.Task] = e.Time
			}
		}
	}
	check := func(row map[string]any, column string, want any) {
		t.Helper()
		if got := fmt.Sprint(row[column]); got != fmt.Sprint(want) {
			t.Errorf("%s is %s, want %v, in %v", column, got, want, row)
		}
	}
	task := func(row map[string]any) (id event.TaskID) {
		fmt.Sscan(fmt.Sprint(row["task"]), &id)
		return id
	}
	checks := []func(rows []map[string]any){
		func(rows []map[string]any) {
			if len(rows) != len(kinds) {
				t.Errorf("kinds %v", rows)
			}
			for _, r := range rows {
				check(r, "events", kinds[fmt.Sprint(r["kind"])])
			}
		},
		func(rows []map[string]any) {
			if len(rows) != 40 {
				t.Errorf("%d tasks", len(rows))
			}
			for _, r := range rows {
				check(r, "voluntary", voluntary[task(r)])
				check(r, "involuntary", involuntary[task(r)])
			}
		},
		func(rows []map[string]any) {
			if len(rows) != 40 {
				t.Errorf("%d tasks", len(rows))
			}
			for _, r := range rows {
				check(r, "on_cpu_ns", onCPU[task(r)])
			}
		},
		func(rows []map[string]any) {
			check(rows[0], "n", latencies)
			check(rows[0], "max_ns", longest)
		},
		func(rows []map[string]any) {
			if len(rows) == 0 || rows[0]["waker"] != "task" {
				t.Errorf("wakers %v", rows)
			}
		},
		func(rows []map[string]any) {
			want := someManifest().Clock.Time(events[0].Time).UTC().Format("2006-01-02 15:04:05")
			if got := fmt.Sprint(rows[0]["utc"]); !strings.HasPrefix(got, want) {
				t.Errorf("first event at %s, want %s", got, want)
			}
		},
	}
	if len(examples) != len(checks) {
		t.Fatalf("%d examples and %d checks", len(examples), len(checks))
	}
	for i, sql := range examples {
		rows, err := db.query(dir, sql)
		if err != nil {
			t.Errorf("%s%v", sql, err)
			continue
		}
		if len(rows) == 0 {
			t.Errorf("%s no rows", sql)
			continue
		}
		checks[i](rows)
	}

	rows, err := db.query(dir, `SELECT CAST(sum((file_row_number % 101) * (time_ns % 1009 + cpu * 3 + task * 7 + flags * 11
		+ coalesce(prio, 0) * 13 + coalesce(other_prio, 0) * 17 + coalesce(state, 0) * 19 + coalesce(other, 0) * 23
		+ (coalesce(at_cpu, 0) + coalesce(syscall, 0) + coalesce(result, 0)) * 29)) AS VARCHAR) AS sum
		FROM read_parquet('events.parquet', file_row_number = true)`)
	if err != nil {
		t.Fatal(err)
	}
	check(rows[0], "sum", added(events))
}

// added is every column of every event, added up in a way in which no two can change places.
func added(events []event.Event) (all int64) {
	for i := range events {
		e := kept(events[i])
		sum := e.Time%1009 + int64(e.CPU)*3 + int64(e.Task)*7 + int64(e.Flags)*11 +
			int64(e.Prio)*13 + int64(e.OtherPrio)*17 + int64(e.State)*19
		if e.Other != event.NoTask {
			sum += int64(e.Other) * 23
		}
		if e.Kind != event.Switch {
			sum += e.Value * 29
		}
		all += sum * int64(i%101)
	}
	return all
}
