package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

const qemu = "qemu-system-x86_64"

// boot runs a guest to its end and returns what it printed on its serial console. Each line is told
// as it comes. An error is a guest that did not end by itself within the limit.
//
// One thread emulates both CPUs: with two, one boot in six of 7.2 died where a CPU patched code
// that the other ran.
func boot(ctx context.Context, cpu, vmlinuz, files string, limit time.Duration,
	tell func(string)) (console []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, qemu,
		"-accel", "tcg,thread=single", "-cpu", cpu, "-smp", "2", "-m", "1024",
		"-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
		"-kernel", vmlinuz, "-initrd", files,
		// The end of init, or of the kernel, ends the machine.
		"-append", "console=ttyS0 quiet loglevel=1 panic=-1 oops=panic reboot=t rdinit=/init")
	cmd.WaitDelay = 5 * time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	in := bufio.NewScanner(out)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		line := strings.TrimRight(in.Text(), "\r")
		console = append(console, line)
		tell(line)
	}
	err = errors.Join(in.Err(), cmd.Wait())
	if ctx.Err() != nil {
		return console, fmt.Errorf("the guest did not end within %v", limit)
	}
	if err != nil {
		return console, fmt.Errorf("%s: %w: %s", qemu, err, strings.TrimSpace(stderr.String()))
	}
	if !slices.Contains(console, mark+"done") {
		return console, errors.New("the guest ended before its jobs did")
	}
	return console, nil
}
