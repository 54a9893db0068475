package sys

// Names of linux/io_uring.h that the io_uring loop uses; x/sys has none of them. See
// io_uring_enter(2) for what each operation means.
const (
	UringPollAdd     = 6
	UringAccept      = 13
	UringAsyncCancel = 14
	UringClose       = 19
	UringSend        = 26
	UringRecv        = 27

	UringSQEBufferSelect   = 1 << 5 // the kernel picks a buffer of BufGroup
	UringSQECQESkipSuccess = 1 << 6 // no completion unless it fails (Linux 5.17)

	UringAcceptMultishot = 1 << 0 // in Ioprio (Linux 5.19)
	UringRecvMultishot   = 1 << 1 // in Ioprio (Linux 6.0)

	UringCancelAll = 1 << 0 // in OpFlags (Linux 5.19)
	UringCancelFD  = 1 << 1
	UringCancelAny = 1 << 2

	UringCQEBuffer     = 1 << 0 // a buffer was picked, its number in the upper half
	UringCQEMore       = 1 << 1 // the multishot operation goes on
	UringCQEBufferBits = 16
)

const (
	uringSetupCQSize       = 1 << 3
	uringSetupClamp        = 1 << 4
	uringSetupSubmitAll    = 1 << 7
	uringSetupCoopTaskrun  = 1 << 8
	uringSetupSingleIssuer = 1 << 12
	uringSetupDeferTaskrun = 1 << 13

	uringEnterGetEvents = 1 << 0
	uringEnterExtArg    = 1 << 3

	uringFeatSingleMmap = 1 << 0
	uringFeatNoDrop     = 1 << 1
	uringFeatExtArg     = 1 << 8

	uringRegisterPbufRing = 22

	uringOffSQRing = 0
	uringOffSQEs   = 0x10000000
)

// UringSQE is what is asked for: struct io_uring_sqe.
type UringSQE struct {
	Opcode   uint8
	Flags    uint8
	Ioprio   uint16
	FD       int32
	Off      uint64
	Addr     uint64
	Len      uint32
	OpFlags  uint32
	UserData uint64
	BufGroup uint16
	_        uint16
	// OptLen, of a multishot receive, is after how many bytes it ends: 0 is never. Kernels before
	// 6.17 say EINVAL to any other.
	OptLen uint32
	_      [2]uint64
}

// UringCQE is what came of it: struct io_uring_cqe.
type UringCQE struct {
	UserData uint64
	Res      int32 // the result, or an error number below zero
	Flags    uint32
}

// uringParams is struct io_uring_params.
type uringParams struct {
	sqEntries, cqEntries, flags, sqThreadCPU, sqThreadIdle, features, wqFD uint32
	_                                                                      [3]uint32
	sq                                                                     struct {
		head, tail, ringMask, ringEntries, flags, dropped, array, _ uint32
		_                                                           uint64
	}
	cq struct {
		head, tail, ringMask, ringEntries, overflow, cqes, flags, _ uint32
		_                                                           uint64
	}
}

// uringBuf is struct io_uring_buf. In the first of a ring, resv is the tail of the ring.
type uringBuf struct {
	addr uint64
	len  uint32
	bid  uint16
	resv uint16
}

// uringBufReg is struct io_uring_buf_reg.
type uringBufReg struct {
	addr    uint64
	entries uint32
	group   uint16
	_       uint16
	_       [3]uint64
}

// uringGetEventsArg is struct io_uring_getevents_arg.
type uringGetEventsArg struct {
	sigmask   uint64
	sigmaskSz uint32
	_         uint32
	ts        uint64
}
