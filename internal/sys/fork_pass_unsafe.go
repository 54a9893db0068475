package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rights is a control message that carries one descriptor (cmsg(3), SCM_RIGHTS in unix(7)), with
// the padding CMSG_SPACE asks for.
type rights struct {
	len   uint64
	level int32
	typ   int32
	fd    int32
	_     int32
}

// rightsLen is CMSG_LEN(sizeof(int)): the padding is not part of it.
const rightsLen = 16 + 4

// SendFD passes a descriptor over a connected unix(7) socket, with the one byte of data that a
// stream needs beside it (sendmsg(2)). The receiver owns the copy it gets; the sender still owns
// fd. Use it where the send does not block. A peer that is gone gives EPIPE and no signal.
//
//go:nosplit
//go:norace
func SendFD(sock, fd int) syscall.Errno {
	var data [1]byte
	iov := unix.Iovec{Base: &data[0], Len: 1}
	control := rights{len: rightsLen, level: unix.SOL_SOCKET, typ: unix.SCM_RIGHTS, fd: int32(fd)}
	msg := unix.Msghdr{Iov: &iov, Iovlen: 1, Control: (*byte)(unsafe.Pointer(&control)),
		Controllen: uint64(unsafe.Sizeof(control))}
	for {
		_, _, e := syscall.RawSyscall(unix.SYS_SENDMSG, uintptr(sock),
			uintptr(unsafe.Pointer(&msg)), unix.MSG_NOSIGNAL)
		if e != syscall.EINTR {
			return e
		}
	}
}

// RawRecvFD blocks a forked child until a descriptor comes over a connected unix(7) socket
// (recvmsg(2)); it closes on exec and the caller owns it. It returns -1 and no error when the
// message came without one, because this process could not take another descriptor; EPIPE at the
// end of the stream; EINTR when a signal handler ran.
//
//go:nosplit
//go:norace
func RawRecvFD(sock int) (int, syscall.Errno) {
	var data [1]byte
	iov := unix.Iovec{Base: &data[0], Len: 1}
	var control rights
	msg := unix.Msghdr{Iov: &iov, Iovlen: 1, Control: (*byte)(unsafe.Pointer(&control)),
		Controllen: uint64(unsafe.Sizeof(control))}
	n, _, e := syscall.RawSyscall(unix.SYS_RECVMSG, uintptr(sock), uintptr(unsafe.Pointer(&msg)),
		unix.MSG_CMSG_CLOEXEC)
	switch {
	case e != 0:
		return -1, e
	case n == 0:
		return -1, syscall.EPIPE
	case control.len < rightsLen || control.typ != unix.SCM_RIGHTS:
		return -1, 0
	}
	return int(control.fd), 0
}
