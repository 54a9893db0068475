package trace_test

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"time"

	"switchyard/trace"
)

// A process is followed for a while, and the numbers are those the kernel has.
func Example() {
	s, err := trace.Open(trace.Options{Probes: []string{"syscall", "tlb"}})
	if err != nil {
		log.Print(err) // which privilege is missing, or which ability, and what to do
		return
	}
	defer s.Close()

	cmd := exec.Command("sleep", "10")
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()

	if err := s.Follow(cmd.Process.Pid); err != nil {
		log.Fatal(err)
	}
	if err := s.Start(); err != nil {
		log.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond)
	c, err := s.Stop()
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("%d switches, run-queue p99 %v", c.Total.Switches.Total(),
		c.RunQueueLatency.Quantile(.99))
	for _, check := range c.Checks {
		if !check.OK() {
			log.Printf("%s: %s: %s", check.Name, check.Status, check.Reason)
		}
	}
	// Output:
}

// One session serves many servers, one after the other.
func ExampleSession_Forget() {
	s, err := trace.Open(trace.Options{Probes: []string{"syscall", "tlb"}, MaxTasks: 10})
	if err != nil {
		log.Print(err)
		fmt.Println("ok")
		return
	}
	defer s.Close()
	for range 3 {
		if err := s.Follow(os.Getpid()); err != nil {
			log.Fatal(err)
		}
		if err := s.Start(); err != nil {
			log.Fatal(err)
		}
		if _, err := s.Stop(); err != nil {
			log.Fatal(err)
		}
		if err := s.Forget(); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("ok")
	// Output: ok
}

func ExampleProbes() {
	for _, p := range trace.Probes() {
		if p.Err != nil {
			log.Printf("%s: %v", p.Name, p.Err)
		}
		fmt.Printf("%s: %s\n", p.Depth, p.Name)
	}
	// Output:
	// count: sched
	// count: task
	// count: fault
	// count: hotplug
	// count: syscall
	// count: tlb
	// count: walk
	// record: record
	// record: record_life
	// record: record_hotplug
	// record: record_syscall
	// record: record_walk
	// switch cost: switch_cost
}
