package trace

import (
	"encoding/binary"
	"errors"
	"io"
	"syscall"
)

// walk has the kernel visit every task.
func (s *Session) walk(mode bpfWalkMode) (bpfWalk, error) {
	return s.walkRows(mode, func(*bpfRow) {})
}

// walkRows does so, and calls f for each row it hands over: those of the tasks in the window, of
// bpfWalkModeWALK_READ, as far as they have any.
func (s *Session) walkRows(mode bpfWalkMode, f func(*bpfRow)) (w bpfWalk, err error) {
	m := s.objs.base.Maps[bpfMapWalks]
	if err := m.Put(uint32(0), &bpfWalk{}); err != nil {
		return w, err
	}
	s.set("Mode", uint32(mode))
	it, err := s.objs.walk.Open()
	if err != nil {
		return w, err
	}
	defer it.Close()
	size := binary.Size(bpfRow{})
	buf := make([]byte, 64*size)
	var r bpfRow
	for have := 0; ; {
		n, err := it.Read(buf[have:])
		have += max(n, 0)
		whole := have - have%size
		for at := 0; at < whole; at += size {
			if _, err := binary.Decode(buf[at:], binary.NativeEndian, &r); err != nil {
				return w, err
			}
			f(&r)
		}
		have = copy(buf, buf[whole:have])
		// EAGAIN: a million tasks were passed, and there are more.
		if err == io.EOF {
			break
		} else if err != nil && !errors.Is(err, syscall.EAGAIN) {
			return w, err
		}
	}
	err = m.Lookup(uint32(0), &w)
	return w, err
}
