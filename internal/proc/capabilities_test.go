package proc

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

func TestCapabilities(t *testing.T) {
	for status, test := range map[string]struct {
		want  Capabilities
		trace bool
		err   bool
	}{
		"Name:\tx\nCapInh:\t0\nCapEff:\t0000000000000000\n": {0, false, false},
		"CapEff:\t000000c000000000\n": {1<<unix.CAP_PERFMON | 1<<unix.CAP_BPF,
			true, false},
		"CapEff:\t0000008000000000\n": {1 << unix.CAP_BPF, false, false},
		"CapEff:\t0000000000200000\n": {1 << unix.CAP_SYS_ADMIN, true, false},
		"CapEff:\tmany\n":             {err: true},
		"Name:\tCapEff\n":             {err: true},
	} {
		f := Files{fstest.MapFS{"proc/thread-self/status": {Data: []byte(status)}}}
		got, err := f.Capabilities()
		if got != test.want || got.Trace() != test.trace || (err != nil) != test.err {
			t.Errorf("%q: %#x, %v", status, uint64(got), err)
		}
	}
	if _, err := Here.Capabilities(); err != nil {
		t.Error(err)
	}
}

func TestFirstUserNamespace(t *testing.T) {
	for text, want := range map[string]bool{
		"         0          0 4294967295\n": true,
		"         0       1000          1\n": false,
		"         0          0 4294967294\n": false,
		"0 0 1000\n1000 1000 4294966295\n":   false,
		"":                                   false,
	} {
		f := Files{fstest.MapFS{"proc/self/uid_map": {Data: []byte(text)}}}
		if got, err := f.FirstUserNamespace(); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := (Files{fstest.MapFS{}}).FirstUserNamespace(); err == nil {
		t.Error("no map is one")
	}
}

func TestMachineCapabilities(t *testing.T) {
	link := func(to string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink}
	}
	mapped := &fstest.MapFile{Data: []byte("0 0 4294967295\n")}
	status := &fstest.MapFile{Data: []byte("CapEff:\t0000000000200000\n")}
	for _, c := range []struct {
		files fstest.MapFS
		want  Capabilities
	}{
		{fstest.MapFS{"proc/self/uid_map": mapped}, 1 << 21},
		{fstest.MapFS{
			"proc/self/uid_map": mapped, "proc/self/ns/user": link("user:[4026531837]"),
		}, 1 << 21},
		// Another namespace may map every number to itself.
		{fstest.MapFS{
			"proc/self/uid_map": mapped, "proc/self/ns/user": link("user:[4026532001]"),
		}, 0},
	} {
		c.files["proc/thread-self/status"] = status
		if got, err := (Files{c.files}).MachineCapabilities(); got != c.want || err != nil {
			t.Errorf("%v: %#x, %v; want %#x", c.files, got, err, c.want)
		}
	}
}
