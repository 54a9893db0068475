package proc

import (
	"os"
	"slices"
	"testing"
	"testing/fstest"
	"time"
)

func TestRunDelay(t *testing.T) {
	for text, want := range map[string]time.Duration{"123 456 7\n": 456, "123\n": -1, "": -1,
		"1 x 2": -1} {
		f := Files{fstest.MapFS{"proc/thread-self/schedstat": {Data: []byte(text)}}}
		if d, err := f.RunDelay(); (err != nil) != (want < 0) || err == nil && d != want {
			t.Errorf("%q: %v, %v", text, d, err)
		}
	}
}

func TestOpenFiles(t *testing.T) {
	before, err := Here.OpenFiles()
	if err != nil || before < 1 {
		t.Fatal(before, err)
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if after, err := Here.OpenFiles(); err != nil || after != before+1 {
		t.Errorf("%d, %v, after %d", after, err, before)
	}
}

func TestSymbols(t *testing.T) {
	f := Files{fstest.MapFS{"proc/kallsyms": {Data: []byte("0 T finish_task\n" +
		"0 t finish_task_switch.isra.0\n0 t finish_task_switch.isra.0.cold\n0 t finish_task_switch\n" +
		"0 t other\t[module]\n0 T plain\n")}}}
	for name, want := range map[string][]string{
		"finish_task_switch": {"finish_task_switch.isra.0", "finish_task_switch"},
		"finish_task":        {"finish_task"}, "plain": {"plain"}, "finish": nil, "other": nil,
	} {
		if got, err := f.Symbols(name); !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
