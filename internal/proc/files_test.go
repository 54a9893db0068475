package proc

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestFiles(t *testing.T) {
	f := Files{fstest.MapFS{
		"a/max":    {Data: []byte("max\n")},
		"a/number": {Data: []byte("23\n")},
		"a/fields": {Data: []byte("Pid:\t7\n model name : a: b\nPid:\t8\n")},
	}}
	for name, want := range map[string]uint64{"/a/max": 1<<64 - 1, "/a/number": 23} {
		if n, err := f.Number(name); err != nil || n != want {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	for key, want := range map[string]string{"Pid": "7", "model name": "a: b"} {
		if s, err := f.Field("/a/fields", key); err != nil || s != want {
			t.Errorf("%s: %q, %v", key, s, err)
		}
	}
	for _, err := range []error{second(f.Number("/a/fields")), second(f.Number("/b")),
		second(f.Field("/a/fields", "model")), second(f.Text("/b"))} {
		if err == nil {
			t.Error("no error")
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestTasks(t *testing.T) {
	for text, want := range map[string]int{"0.00 0.01 0.05 2/345 6789\n": 345, "": 0,
		"0 0 0 many": 0} {
		f := Files{fstest.MapFS{"proc/loadavg": {Data: []byte(text)}}}
		if n, err := f.Tasks(); n != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	if n, err := Here.Tasks(); err != nil || n < 1 {
		t.Errorf("here: %d, %v", n, err)
	}
}

func TestHypervisor(t *testing.T) {
	for text, want := range map[string]bool{
		"processor\t: 0\nmodel name\t: X\nflags\t\t: fpu hypervisor\n": true,
		"processor\t: 0\nmodel name\t: X\nflags\t\t: fpu vme\n":        false,
		"model name\t: X\nFeatures\t: fp\n":                            false,
	} {
		f := Files{fstest.MapFS{"proc/cpuinfo": {Data: []byte(text)}}}
		if got, err := f.Hypervisor(); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
		if model := f.CPUModel(); model != "X" {
			t.Errorf("%q: model %q", text, model)
		}
	}
	if _, err := (Files{fstest.MapFS{}}).Hypervisor(); err == nil {
		t.Error("no file tells")
	}
}

// A sysctl says at the second read that it has ended.
func TestSysctl(t *testing.T) {
	const name = "/proc/sys/kernel/pid_max"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Here.Text(name); err != nil || got != strings.TrimSpace(string(text)) ||
		len(got) < 2 {
		t.Errorf("%q, %v, want %q", got, err, text)
	}
}
