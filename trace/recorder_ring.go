package trace

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"switchyard/internal/bpf"
	"switchyard/internal/sys"
)

// roundBuffer returns the next size a ring can have.
func roundBuffer(n int) int {
	size := os.Getpagesize()
	for size < n && size < 1<<29 {
		size *= 2
	}
	return size
}

func (r *Recorder) makeRings(n int) (err error) {
	if r.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return bpf.Explain("record", os.NewSyscallError("epoll_create1", err))
	}
	for i := range n {
		m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "ring", Type: ebpf.RingBuf,
			MaxEntries: uint32(r.opts.Buffer)})
		if err != nil {
			return bpf.Explain(fmt.Sprintf("a ring of %d bytes for each of %d CPUs (a smaller buffer needs less memory)",
				r.opts.Buffer, n), err)
		}
		r.inner = append(r.inner, m)
		if err := r.objs.base.Maps["rings"].Put(uint32(i), m); err != nil {
			return bpf.Explain("rings", err)
		}
		ring, err := sys.OpenRing(m.FD(), r.opts.Buffer)
		if err != nil {
			return bpf.Explain("rings", err)
		}
		r.rings = append(r.rings, ring)
		ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(m.FD())}
		if err := unix.EpollCtl(r.epoll, unix.EPOLL_CTL_ADD, m.FD(), &ev); err != nil {
			return bpf.Explain("rings", os.NewSyscallError("epoll_ctl", err))
		}
	}
	return nil
}

// ringCPUs returns what the probes keep of each CPU's ring.
func (r *Recorder) ringCPUs() (cpus []recordRing, err error) {
	err = r.objs.base.Maps["ring_cpus"].Lookup(uint32(0), &cpus)
	return cpus, err
}

// missing returns what each CPU has lost since its ring last said so, as records.
func missing(cpus []recordRing) (out []byte) {
	for cpu, c := range cpus {
		if c.Count == 0 {
			continue
		}
		out = binary.NativeEndian.AppendUint64(out, c.Last)
		out = append(out, byte(recordRecordKindRECORD_LOST), 0)
		out = binary.NativeEndian.AppendUint16(out, uint16(cpu))
		out = binary.NativeEndian.AppendUint32(out, 0)
		for _, n := range []uint64{c.First, c.Last, c.Count} {
			out = binary.NativeEndian.AppendUint64(out, n)
		}
	}
	return out
}
