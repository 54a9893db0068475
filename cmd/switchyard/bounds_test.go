package main

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// absurd are values of each type of flag that takes a number: more than any machine has, and less
// than there can be.
var absurd = map[string][]string{
	"int":      {strconv.Itoa(math.MaxInt), "2000000000", "-1", strconv.Itoa(math.MinInt), "1e9", "99999999999999999999"},
	"uint64":   {strconv.FormatUint(math.MaxUint64, 10), "-1", "99999999999999999999"},
	"float64":  {"1e300", "-1", "NaN", "+Inf", "-Inf", "1e-300", "1e999"},
	"duration": {"2562047h47m16s", "-1s", "10000h", "9999999999h"},
	"fd":       {"2147483647", "-1", "99999999999"},
}

// TestNumbersHaveBounds gives every flag of every command that takes a number absurd values. Each
// is refused at once: exit code 2 and one line that names the flag. An exception is a value with a
// meaning, which is named here.
func TestNumbersHaveBounds(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// What a command is given besides, so that a value it takes ends it at once with another code:
	// an address that is not of this machine, a port where nobody listens, a directory that is not
	// empty.
	harmless := map[string][]string{
		"serve":   {"poll/epoll", "--listen", "192.0.2.1:1"},
		"load":    {"http://127.0.0.1:1/"},
		"compare": {"poll/epoll", "--no-trace", "--out", full},
		"trace":   {"--all", "--record", "--out", full},
	}
	meaning := map[string]string{
		"load --seed 18446744073709551615":    "any seed is as good as another",
		"compare --seed 18446744073709551615": "any seed is as good as another",
	}
	walked := map[string]int{}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			walk(c)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			values, number := absurd[f.Value.Type()]
			if !number {
				return
			}
			args, ok := harmless[cmd.Name()]
			if !ok {
				t.Errorf("%s has the flag --%s and this test does not know how to call it",
					cmd.Name(), f.Name)
				return
			}
			walked[cmd.Name()]++
			for _, v := range values {
				call := append(append([]string{cmd.Name()}, args...), "--"+f.Name+"="+v)
				o := runCommand(t, call...)
				if why := meaning[cmd.Name()+" --"+f.Name+" "+v]; why != "" {
					if o.code == exitUsage {
						t.Errorf("%q: %s, but %s", call, why, o.stderr)
					}
					continue
				}
				if o.code != exitUsage || strings.Count(o.stderr, "\n") != 1 || o.stdout != "" ||
					!strings.Contains(o.stderr, "--"+f.Name+" ") {
					t.Errorf("%q: exit code %d, %q", call, o.code, o.stderr)
				}
			}
		})
	}
	walk(newRootCommand(Env{}))
	for cmd, least := range map[string]int{"serve": 5, "load": 10, "compare": 7, "trace": 1} {
		if walked[cmd] < least {
			t.Errorf("%s: walked over %d flags, want %d at least", cmd, walked[cmd], least)
		}
	}
}

// Numbers stand in texts too.
func TestNumbersInTextsHaveBounds(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"trace", "--record", "--out", full, "-p", "99999999999"},
		{"trace", "--record", "--out", full, "-p", "-1"},
		{"trace", "--record", "--out", full, "--all", "--buffer", "99999999999GiB"},
		{"trace", "--record", "--out", full, "--all", "--buffer", "2147483647GiB"},
		{"trace", "--record", "--out", full, "--all", "--load", "http://127.0.0.1:1/ --clients 2000000000"},
		{"trace", "--record", "--out", full, "--all", "--load", "http://127.0.0.1:1/ --rate 1e300"},
		{"trace", "--record", "--out", full, "--all", "--load", "http://127.0.0.1:99999/"},
		{"trace", "--record", "--out", full, "--all", "--load", "http://127.0.0.1:1/ --nonsense"},
		{"trace", "--record", "--out", full, "--all", "--load", "--clients 3"},
		{"trace", "--record", "--out", full, "--all", "--load", "--help"},
		{"trace", "--record", "--out", full, "--all", "--load", "http://127.0.0.1:1/ -h"},
		{"trace", "--record", "--out", full, "--all", "--load", "http://127.0.0.1:1/ --parent 3"},
		{"trace", "--record", "--out", full, "--all", "--load",
			"http://127.0.0.1:1/ --format text"},
		{"compare", "--out", full, "--server-cpus", "0-65535"},
		{"compare", "--out", full, "--server-cpus", "99999999999"},
		{"compare", "--out", full, "--load-cpus", "-1"},
		{"serve", "poll/epoll", "--listen", "192.0.2.1:99999"},
		{"load", "http://127.0.0.1:99999/"},
		{"load", "http://127.0.0.1:1/", "--rate", "1", "--spin", "100h"},
		{"compare", "--out", full, "--path", "/work?us=-1"},
		{"compare", "--out", full, "--path", "/work?us=10000001"},
		{"compare", "--out", full, "--path", "/sleep?ms=60001"},
		{"compare", "--out", full, "--path", "/sleep?ms=350"},
		{"compare", "--out", full, "--path", "/work?us=1000000", "--duration", "1s"},
		{"compare", "--out", full, "--path", "/bytes?n=1073741825"},
	} {
		o := runCommand(t, args...)
		if o.code != exitUsage || strings.Count(o.stderr, "\n") != 1 || len(o.stderr) > 300 {
			t.Errorf("%q: exit code %d, %q", args, o.code, o.stderr)
		}
	}
}
