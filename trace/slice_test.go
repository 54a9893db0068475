package trace

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestSlice(t *testing.T) {
	for _, p := range Probes() {
		fmt.Println(p.Name, p.Err)
	}
	for range 4 {os.ReadFile("/dev/null")}
	s, err := Open(Options{FaultExceptions: true})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer s.Close()
	if err := s.Follow(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		os.Getppid()
		exec.Command("true").Run()
	}
	time.Sleep(100 * time.Millisecond)
	c, err := s.Stop()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%+v\n", c.Total)
	for _, r := range c.Tasks {
		fmt.Println(r.TID, r.TGID, r.Name, r.Switches, r.OnCPU, r.Blocked, r.RunQueue, r.Life, r.UnseenSwitches, r.UnseenWakings, r.Wakeups, r.SpuriousWakeups, r.Migrations, r.CPU)
	}
	fmt.Println(c.Syscalls, c.TLBFlushes, c.TLBKept, c.Missing, c.Losses, c.Cost, c.Window)
	fmt.Println("LOSS",c.Losses, s.readMisses()); fmt.Println(c.RunQueueLatency.String())
	fmt.Println(c.WakeupLatency.String())
	fmt.Println(c.OnCPUSpan.String())
	fmt.Println(c.BlockedTime.String())
	for _, k := range c.Checks {
		fmt.Println(k)
	}
}
