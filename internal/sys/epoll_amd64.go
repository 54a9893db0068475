package sys

import "golang.org/x/sys/unix"

// EpollWaitName is the kernel's name of the system call behind EpollWait.
const EpollWaitName = "epoll_wait"

const sysEpollWait = unix.SYS_EPOLL_WAIT
