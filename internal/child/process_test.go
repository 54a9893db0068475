package child

import (
	"bufio"
	"context"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Whoever was stopped for longer than its patience finds what came meanwhile.
func TestWhatCameWhileThisProcessWasStoppedCounts(t *testing.T) {
	const over = -time.Hour // patience that was over before it began, as after Ctrl-Z
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	defer theirs.Close()
	p := &Process{control: ours, lines: bufio.NewReader(ours), exited: make(chan struct{})}
	if _, err := theirs.WriteString("done\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := p.readLine(context.Background(), over); line != "done" || err != nil {
		t.Errorf("%q, %v", line, err)
	}
	if line, err := p.readLine(context.Background(), over); err == nil {
		t.Errorf("%q, but nobody said anything", line)
	}
	if err := p.Wait(context.Background(), over); err == nil {
		t.Error("it has not ended")
	}
	close(p.exited)
	if err := p.Wait(context.Background(), over); err != nil {
		t.Error(err)
	}
}
