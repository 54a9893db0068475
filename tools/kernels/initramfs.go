package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
)

// applets are the programs that tests call.
var applets = []string{"sh", "sleep", "taskset", "true"}

// initramfs writes all files of a guest to the file name. The binaries are in dir.
func initramfs(name, busybox, dir string, suites []suite) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	a := &archive{w: w}
	for _, d := range []string{"bin", "dev", "proc", "sys", "tmp", "run"} {
		a.add(d, typeDir|0o755, [2]int{}, nil, 0)
	}
	// init's own standard streams, before it mounts devtmpfs.
	a.add("dev/console", typeChar|0o600, [2]int{5, 1}, nil, 0)
	if err := a.file("init", filepath.Join(dir, "init")); err != nil {
		return err
	}
	if err := a.file("bin/busybox", busybox); err != nil {
		return err
	}
	for _, applet := range applets {
		a.link("bin/"+applet, "busybox")
	}
	var jobs strings.Builder
	added := map[string]bool{}
	for _, s := range suites {
		jobs.WriteString(s.job() + "\n")
		if added[s.binary()] {
			continue
		}
		added[s.binary()] = true
		if err := a.file("bin/"+s.binary(), filepath.Join(dir, s.binary())); err != nil {
			return err
		}
	}
	a.add("jobs", typeFile|0o644, [2]int{}, strings.NewReader(jobs.String()), int64(jobs.Len()))
	if err := a.close(); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// file adds an executable.
func (a *archive) file(name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	a.add(name, typeFile|0o755, [2]int{}, f, info.Size())
	return a.err
}

func (a *archive) link(name, to string) {
	a.add(name, typeLink|0o777, [2]int{}, strings.NewReader(to), int64(len(to)))
}
