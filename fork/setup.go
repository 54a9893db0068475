package fork

import (
	"os"

	"switchyard"
	"switchyard/internal/sys"
)

// setUp makes all that Serve needs before its threads.
func (s *server) setUp() (err error) {
	s.gone, s.ready = make(chan struct{}, 1), make(chan struct{})
	s.children = children{known: map[int]child{}, died: s.died, bell: -1}
	s.events = -1
	defer func() {
		if err != nil {
			s.tearDown()
		}
	}()
	s.counters = s.opts.Counters
	if s.counters == nil {
		if s.counters, s.freeOwn, err = switchyard.NewCounters(); err != nil {
			return err
		}
	}
	if s.buffers, err = sys.MapPrivate(switchyard.InSize + switchyard.OutSize +
		sys.Size[switchyard.Conn]()); err != nil {
		return err
	}
	if s.children.bell, err = newDoorbell(); err != nil {
		return err
	}
	if s.events, err = newDoorbell(); err != nil {
		return err
	}
	if s.start != nil {
		if err = s.start(s); err != nil {
			return err
		}
	}
	if s.memory.memory == nil {
		memory, err := sys.MapShared(regionSize(s.slots))
		if err != nil {
			return err
		}
		s.memory = newRegion(memory, s.slots)
	}
	h := s.opts.Handler()
	b := s.memory.board
	b.magic, b.protocol, b.spins, b.parent = boardMagic, uint32(h.Protocol), h.SpinsPerMilli,
		int32(os.Getpid())
	s.template = worker{
		handler: h,
		in:      s.buffers[:switchyard.InSize],
		out:     s.buffers[switchyard.InSize:][:switchyard.OutSize],
		conn:    sys.View[switchyard.Conn](s.buffers, switchyard.InSize+switchyard.OutSize),
		board:   b, counters: s.counters, parent: os.Getpid(), fd: s.listeners[0], lock: -1,
		most: s.opts.MaxConns,
	}
	return nil
}

// tearDown gives back all that setUp made, or as much as it had made.
func (s *server) tearDown() {
	if s.stop != nil {
		s.stop(s)
	}
	for _, d := range []doorbell{s.children.bell, s.events} {
		if d >= 0 {
			d.close()
		}
	}
	for _, p := range [][]byte{s.memory.memory, s.buffers} {
		if p != nil {
			sys.Unmap(p)
		}
	}
	s.memory, s.buffers, s.template = region{}, nil, worker{}
	if s.freeOwn != nil {
		s.freeOwn()
	}
}
