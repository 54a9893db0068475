package report

import (
	"bytes"
	"io"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"switchyard/internal/load"
	"switchyard/trace/event"
)

// hostile has what a terminal obeys: an escape sequence, a bell, a carriage
// return, a single character that begins a sequence, one that turns the
// direction of writing, and what is no UTF-8.
const hostile = "a\x1b]0;owned\x07\r\x1b[31m\u009b2J\u202e\xff\x00b"

// infest puts a string into every string that can be reached from v, and n into every number, makes
// what is missing, and puts two of everything into what holds many.
func infest(v reflect.Value, depth int, text string, n int) {
	if depth > 8 {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		infest(v.Elem(), depth+1, text, n)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				infest(v.Field(i), depth+1, text, n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			infest(v.Index(i), depth+1, text, n)
		}
	case reflect.Array:
		for i := range v.Len() {
			infest(v.Index(i), depth+1, text, n)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		infest(key, depth+1, text, n)
		infest(value, depth+1, text, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(n))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(n))
	}
}

// Whatever string of a result holds what a terminal would obey, none of it
// reaches the terminal. A field that is added is tested with the others.
func TestNothingThatATerminalObeysIsPrinted(t *testing.T) {
	var compare Compare
	var trace Trace
	infest(reflect.ValueOf(&compare).Elem(), 0, hostile, 3)
	infest(reflect.ValueOf(&trace).Elem(), 0, hostile, 3)
	// Sentences are left out of some states of a result.
	variants := func(f func()) {
		f()
		for i := range compare.Models {
			compare.Models[i].Available, compare.Models[i].Traced = i > 0, i == 0
			for j := range compare.Models[i].Checks {
				compare.Models[i].Checks[j].Status = event.Fail
			}
		}
		f()
		for i := range compare.Models {
			compare.Models[i].Available, compare.Models[i].Traced = true, false
		}
		for i := range trace.Checks {
			trace.Checks[i].Status = "fail"
		}
		f()
		for i := range trace.Checks {
			trace.Checks[i].Status = "unavailable"
		}
		f()
	}
	variants(func() {
		for what, write := range map[string]func(io.Writer) error{
			"compare, wide":     func(w io.Writer) error { return compare.WriteText(w, 200) },
			"compare, narrow":   func(w io.Writer) error { return compare.WriteText(w, 60) },
			"compare, Markdown": compare.WriteMarkdown,
			"compare, CSV":      compare.WriteCSV,
			"trace, wide":       func(w io.Writer) error { return trace.WriteText(w, 200) },
			"trace, narrow":     func(w io.Writer) error { return trace.WriteText(w, 60) },
		} {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if b.Len() == 0 || !strings.Contains(b.String(), "owned") {
				t.Errorf("%s: no name is in it:\n%s", what, &b)
			}
			for line := range strings.Lines(b.String()) {
				for _, r := range strings.TrimSuffix(line, "\n") {
					if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
						t.Errorf("%s: %q", what, line)
						break
					}
				}
			}
		}
	})
}

// A line that ends in a number leaves the reader without what it is a number of.
func TestWrapKeepsNumbersWithTheirNouns(t *testing.T) {
	const line = "System calls: 1234 read, 2222 newfstatat, 9 of 10 (at most 3 to 5 in 0.5 s), " +
		"12 345 requests, p99 17µs, max 3ms, 1.5 % of it, on CPU 3. Seed 1. It is 2."
	loose := regexp.MustCompile(`(^|[ (])([0-9.,]*[0-9]|p99|max|CPU|[0-9]+ (of|to))$`)
	for width := 20; width < 130; width++ {
		lines := wrap(line, width)
		for _, l := range lines[:len(lines)-1] {
			if loose.MatchString(l) || len([]rune(l)) > width {
				t.Errorf("width %d: %q in\n%s", width, l, strings.Join(lines, "\n"))
			}
		}
		if got := strings.Join(strings.Fields(strings.Join(lines, " ")), " "); got != line {
			t.Errorf("width %d: %q", width, got)
		}
	}
}

// No text ends a line in blanks: who copies a table would copy them, and git shows them in red.
func TestNoLineEndsInBlanks(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 0))
	var infested Compare
	var trace Trace
	infest(reflect.ValueOf(&infested).Elem(), 0, hostile, 3)
	infest(reflect.ValueOf(&trace).Elem(), 0, hostile, 3)
	for _, width := range []int{20, 40, 80, 120, 200} {
		for what, write := range map[string]func(io.Writer) error{
			"compare":           func(w io.Writer) error { return sample().WriteText(w, width) },
			"compare, Markdown": sample().WriteMarkdown,
			"compare, all":      func(w io.Writer) error { return infested.WriteText(w, width) },
			"trace, all":        func(w io.Writer) error { return trace.WriteText(w, width) },
			"trace": func(w io.Writer) error {
				return randomTrace(r).WriteText(w, width)
			},
		} {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if l := strings.TrimSuffix(line, "\n"); strings.TrimRight(l, " \t") != l {
					t.Errorf("%s, %d columns: %q", what, width, l)
				}
			}
		}
	}
}

// Of one there is no plural, wherever a one stands.
func TestOneOfNothingIsMany(t *testing.T) {
	var compare Compare
	var trace Trace
	var loaded load.Result
	infest(reflect.ValueOf(&compare).Elem(), 0, "x", 1)
	infest(reflect.ValueOf(&trace).Elem(), 0, "x", 1)
	infest(reflect.ValueOf(&loaded).Elem(), 0, "x", 1)
	trace.Depth, loaded.Options.Loop = "record", "open"
	trace.Load.Loop = "open"
	many := regexp.MustCompile(`(^|[^0-9.])1 ([a-z]+ )?[a-zA-Z]+s\b`)
	one := regexp.MustCompile(`1 (ns|address)$`)
	for what, write := range map[string]func(io.Writer) error{
		"compare": func(w io.Writer) error { return compare.WriteText(w, 1000) },
		"trace":   func(w io.Writer) error { return trace.WriteText(w, 1000) },
		"load":    func(w io.Writer) error { return writeLoadText(w, &loaded, 1000) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			for _, s := range many.FindAllString(line, -1) {
				if one.MatchString(s) {
					continue
				}
				t.Errorf("%s: %q in %q", what, s, line)
			}
		}
	}
}
