//go:build !amd64

package sys

import "golang.org/x/sys/unix"

// EpollWaitName is the kernel's name of the system call behind EpollWait: the younger architectures
// have no epoll_wait.
const EpollWaitName = "epoll_pwait"

const sysEpollWait = unix.SYS_EPOLL_PWAIT
