package switchcost_test

import (
	"fmt"
	"log"
	"time"

	"switchyard/trace/event"
	"switchyard/trace/switchcost"
)

// What switches on this machine cost for a while, by what they did to the page table.
func ExampleOpen() {
	s, err := switchcost.Open(switchcost.Options{})
	if err != nil {
		log.Print(err) // which privilege is missing, or which ability, and what to do
		fmt.Println("ok")
		return
	}
	defer s.Close()
	// A Session or a Recorder that is to run beside it is opened here.
	if err := s.Start(); err != nil {
		log.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond)
	c, err := s.Stop()
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("measured with %s, less %v for the probe", c.By, c.Probe.Median)
	log.Print("thread: ", &c.Kinds[event.SwitchThread].Total)
	log.Print("address space: ", &c.AddressSpace().Total)
	for what, reason := range c.Missing {
		log.Printf("no %s: %s", what, reason)
	}
	fmt.Println("ok")
	// Output: ok
}
