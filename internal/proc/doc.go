// Package proc reads what the kernel tells without tracing: of processes (trees, CPU time, memory),
// of control groups, of limits on tasks, of privileges, and of the machine and its CPUs. Each fact
// is read here, and nowhere else.
//
// Most of it lies in /proc, /sys and the cgroup file system. [Here] is this machine's; tests have
// others.
package proc
