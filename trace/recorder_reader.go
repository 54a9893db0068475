package trace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
	"switchyard/trace/spool"
)

// startReader starts the thread that empties the rings.
func (r *Recorder) startReader() error {
	rd, wr, err := os.Pipe()
	if err != nil {
		return err
	}
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(rd.Fd())}
	if err := unix.EpollCtl(r.epoll, unix.EPOLL_CTL_ADD, int(rd.Fd()), &ev); err != nil {
		return errors.Join(os.NewSyscallError("epoll_ctl", err), rd.Close(), wr.Close())
	}
	r.wake = wr
	r.reader = sys.Thread("sy-spool", func() {
		defer rd.Close()
		// It must come by before the rings are full, whatever else there is to run. Refused without
		// CAP_SYS_NICE.
		unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -20)
		started := threadCPU() // the runtime's threads have had other uses
		defer func() { r.cost.ReaderCPU = threadCPU() - started }()
		r.read()
	})
	return nil
}

// read empties the rings until it is told to stop, or the spool takes no more.
func (r *Recorder) read() {
	events := make([]unix.EpollEvent, len(r.rings)+1)
	for {
		_, err := unix.EpollWait(r.epoll, events, int(drainEvery/time.Millisecond))
		if err != nil && !errors.Is(err, unix.EINTR) {
			r.spool.Abandon(os.NewSyscallError("epoll_wait", err))
			return
		}
		if _, err := r.drain(); err != nil {
			return // the spool knows why, or Stop finds out
		}
		select {
		case <-r.stopping:
			return
		default:
		}
	}
}

// drain takes what is in the rings, and reports whether that was all. Then the spool is complete up
// to shortly before, and is told so: should nothing follow, the recording ends there. What a CPU
// lost up to then is in its ring, or is told now.
func (r *Recorder) drain() (bool, error) {
	r.draining.Lock()
	defer r.draining.Unlock()
	known := sys.Boottime() - int64(settled)
	cpus, err := r.ringCPUs()
	if err != nil {
		return false, err
	}
	all := true
	for i, ring := range r.rings {
		n, whole, err := ring.Drain(func(records []byte) error {
			return r.spool.Append(spool.FrameRing, i, records)
		})
		if err != nil {
			return false, err
		}
		r.cost.Bytes += uint64(n)
		all = all && whole
	}
	if !all || known < r.known+int64(settled) {
		return all, nil
	}
	if m := missing(cpus); !bytes.Equal(m, r.unsaid) {
		if err := r.spool.Append(spool.FrameMissing, 0, m); err != nil {
			return all, err
		}
		r.unsaid = m
	}
	r.known = known
	return all, r.spool.Append(spool.FrameKnown, 0, binary.LittleEndian.AppendUint64(nil,
		uint64(known)))
}

func threadCPU() time.Duration {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) // cannot fail for this clock
	return time.Duration(t.Nano())
}
