package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkStart measures what it takes to start the two programs, from before exec to their end:
// switchyard --help, and switchyard-child, which finds no connection to serve. Printed are medians.
//
//	go test -run '^$' -bench Start -benchtime 101x ./cmd/switchyard
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-o", dir, ".", "../switchyard-child")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	programs := []struct {
		name string
		args []string
		code int
		wall []float64 // µs
		cpu  []float64
	}{
		{name: "switchyard", args: []string{"--help"}},
		{name: "switchyard-child", code: exitUsage},
	}
	for b.Loop() {
		for i := range programs {
			p := &programs[i]
			cmd := exec.Command(filepath.Join(dir, p.name), p.args...)
			began := time.Now()
			cmd.Run()
			p.wall = append(p.wall, float64(time.Since(began).Microseconds()))
			if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != p.code {
				b.Fatalf("%s: %v", p.name, cmd.ProcessState)
			}
			used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			p.cpu = append(p.cpu, float64(used.Microseconds()))
		}
	}
	for _, p := range programs {
		slices.Sort(p.wall)
		slices.Sort(p.cpu)
		b.ReportMetric(p.wall[len(p.wall)/2], p.name+"-µs")
		b.ReportMetric(p.cpu[len(p.cpu)/2], p.name+"-CPU-µs")
	}
	b.ReportMetric(0, "ns/op")
}
