// Package switchcost measures what a switch from one task to another costs the kernel, of all tasks
// on the machine: from the scheduler's entry to its end on the same CPU, by what was done to the
// page table, in distributions that are summed in the kernel. It stands beside package trace, which
// tells what tasks did, and can run with it.
package switchcost
