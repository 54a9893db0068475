package testenv

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Blocked reports whether a thread has left its CPU until somebody wakes it, and the system call it
// waits in: -1 if in none (a page fault), or if the kernel does not tell us. A thread that has
// ended is blocked for good.
//
// It asks /proc/PID/task/TID/syscall (proc_pid_syscall(5)), which waits until the thread is off its
// CPU (task_current_syscall in lib/syscall.c): in stat a thread is S a moment before. Where another
// user's thread does not allow that, stat must do.
func Blocked(pid, tid int) (call int, ok bool) {
	if tid == unix.Gettid() {
		return -1, false
	}
	dir := fmt.Sprintf("/proc/%d/task/%d/", pid, tid)
	if b, err := os.ReadFile(dir + "syscall"); err == nil {
		first, _, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
		call, err := strconv.Atoi(first) // or "running"
		return call, err == nil
	}
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return -1, os.IsNotExist(err) || strings.Contains(err.Error(), "no such process")
	}
	_, tail, _ := cutLast(string(stat), ") ")
	return -1, tail != "" && strings.ContainsRune("SDZX", rune(tail[0]))
}

// In reports whether a process' first thread is blocked in one of some system calls.
func In(pid int, calls ...uintptr) bool {
	got, ok := Blocked(pid, pid)
	return ok && got >= 0 && slices.Contains(calls, uintptr(got))
}

// Asleep reports whether every thread of a process is blocked, or has ended.
func Asleep(pid int) bool {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return os.IsNotExist(err)
	}
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name())
		if _, ok := Blocked(pid, tid); !ok {
			return false
		}
	}
	return true
}

// ThreadNamed returns the TID of the thread of a process that has a name, or 0.
func ThreadNamed(pid int, name string) int {
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/comm", pid, task.Name()))
		if err == nil && strings.TrimSpace(string(comm)) == name {
			tid, _ := strconv.Atoi(task.Name())
			return tid
		}
	}
	return 0
}
