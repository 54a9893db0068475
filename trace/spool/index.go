package spool

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"switchyard/internal/sys"
	"switchyard/trace/event"
)

// ErrFormat is wrapped by all errors about what a spool contains.
var ErrFormat = errors.New("not a spool that can be read")

// A frame is where a part of a spool lies.
type frame struct {
	kind FrameKind
	ring int
	at   int64 // of the payload
	size int
}

// index is a spool's table of contents, made by reading it once.
type index struct {
	begin    Begin
	window   *Mark   // nil: it was killed before the window was open
	end      *End    // nil: it was killed
	opened   []frame // snapshots
	closed   []frame
	rings    [][]frame
	lost     []event.Lost
	lostAt   map[lostKey]int
	known    int64  // up to here every event is in it; 0: it does not say
	records  uint64 // in all rings
	last     int64  // the time of the last of them
	bytes    int64  // read
	cut      int64  // bytes after the last whole frame
	cutCause string // what was wrong there
}

// readIndex finds a spool's frames and verifies their checksums. A frame that is not whole ends the
// spool; only when there is nothing before it is that an error.
func readIndex(f *os.File) (*index, error) {
	name := filepath.Clean(f.Name())
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file: %w", name, ErrFormat)
	}
	x := new(index)
	size := info.Size()
	var h [frameHeader]byte
	var buf []byte
	for at := int64(0); at < size; {
		fr, n, why := readFrame(f, at, size, h[:], &buf)
		if why != "" {
			if at == 0 {
				return nil, fmt.Errorf("%s: %s: %w", name, why, ErrFormat)
			}
			x.cut, x.cutCause = size-at, why
			break
		}
		if err := x.add(fr, buf[:fr.size]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		at += n
		x.bytes = at
	}
	x.cutOff()
	if x.begin.Version == 0 {
		return nil, fmt.Errorf("%s: it is empty, the tracer ended before the window was open: %w",
			name, ErrFormat)
	}
	return x, nil
}

// readFrame reads the frame at a place, and returns why it cannot.
func readFrame(f *os.File, at, size int64, h []byte, buf *[]byte) (frame, int64, string) {
	if size-at < frameHeader {
		return frame{}, 0, "a frame's header is cut off"
	}
	if _, err := f.ReadAt(h, at); err != nil {
		return frame{}, 0, err.Error()
	}
	if binary.LittleEndian.Uint32(h) != frameMagic ||
		binary.LittleEndian.Uint32(h[20:]) != crc32.Checksum(h[:20], castagnoli()) {
		return frame{}, 0, "no frame begins here"
	}
	n := binary.LittleEndian.Uint64(h[8:])
	if n > maxFrame {
		return frame{}, 0, fmt.Sprintf("a frame of %d bytes", n)
	}
	if int64(n) > size-at-frameHeader {
		return frame{}, 0, "a frame is cut off"
	}
	fr := frame{
		kind: FrameKind(binary.LittleEndian.Uint16(h[4:])),
		ring: int(binary.LittleEndian.Uint16(h[6:])),
		at:   at + frameHeader,
		size: int(n),
	}
	if cap(*buf) < fr.size {
		*buf = make([]byte, fr.size)
	}
	if _, err := f.ReadAt((*buf)[:fr.size], fr.at); err != nil && err != io.EOF {
		return frame{}, 0, err.Error()
	}
	if crc32.Checksum((*buf)[:fr.size], castagnoli()) != binary.LittleEndian.Uint32(h[16:]) {
		return frame{}, 0, "a frame's checksum is wrong"
	}
	return fr, frameHeader + int64(n), ""
}

func (x *index) add(fr frame, payload []byte) error {
	if (x.begin.Version == 0) != (fr.kind == FrameBegin) {
		return fmt.Errorf("it does not begin as one: %w", ErrFormat)
	}
	switch fr.kind {
	case FrameBegin:
		if err := json.Unmarshal(payload, &x.begin); err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if x.begin.Version > Version {
			return fmt.Errorf("spool version %d, newer than %d, the newest known here: use the switchyard that recorded it: %w",
				x.begin.Version, Version, ErrFormat)
		}
		if x.begin.Version < 1 || x.begin.Rings < 1 || x.begin.Rings > MaxRings ||
			x.begin.CPUs < 1 || x.begin.CPUs > 1<<16 {
			return fmt.Errorf("version %d, %d rings, %d CPUs: %w", x.begin.Version, x.begin.Rings,
				x.begin.CPUs, ErrFormat)
		}
		x.rings = make([][]frame, x.begin.Rings)
	case FrameRing:
		if fr.ring >= len(x.rings) {
			return fmt.Errorf("ring %d of %d: %w", fr.ring, len(x.rings), ErrFormat)
		}
		x.rings[fr.ring] = append(x.rings[fr.ring], fr)
		x.findLost(payload)
	case FrameOpen:
		x.opened = append(x.opened, fr)
	case FrameClose:
		x.closed = append(x.closed, fr)
	case FrameMissing:
		for ; len(payload) >= lostSize; payload = payload[lostSize:] {
			x.lose(payload)
		}
	case FrameKnown:
		if len(payload) >= 8 {
			x.known = max(x.known, int64(binary.LittleEndian.Uint64(payload)))
		}
	case FrameWindow:
		x.window = new(Mark)
		return json.Unmarshal(payload, x.window)
	case FrameEnd:
		x.end = new(End)
		return json.Unmarshal(payload, x.end)
	}
	return nil // a kind that is not known is of a later minor change
}

// findLost looks through a ring's records for those that tell of losses: an analysis must know of a
// gap when it comes to it, and the ring tells only when the gap is over.
func (x *index) findLost(records []byte) {
	for len(records) >= sys.RingHeader {
		header := binary.LittleEndian.Uint32(records)
		n := sys.RingSize(header)
		if n > uint64(len(records)) {
			return // the reader will say so
		}
		b := records[sys.RingHeader:n]
		records = records[n:]
		if header&sys.RingDiscard != 0 || len(b) < recordSize {
			continue
		}
		x.records++
		x.last = max(x.last, int64(binary.LittleEndian.Uint64(b)))
		if recordKind(b[recordType]) == kindLost && len(b) >= lostSize {
			x.lose(b)
		}
	}
}

// lostKey tells gaps apart.
type lostKey struct {
	cpu   int
	first int64
}

// lose notes a gap. The spool may be told of it more than once while it grows.
func (x *index) lose(b []byte) {
	l := event.Lost{
		CPU:   int(binary.LittleEndian.Uint16(b[recordCPU:])),
		First: int64(binary.LittleEndian.Uint64(b[lostFirst:])),
		Last:  int64(binary.LittleEndian.Uint64(b[lostLast:])),
		Count: binary.LittleEndian.Uint64(b[lostCount:]),
	}
	key := lostKey{l.CPU, l.First}
	i, again := x.lostAt[key]
	switch {
	case !again:
		if x.lostAt == nil {
			x.lostAt = make(map[lostKey]int)
		}
		x.lostAt[key] = len(x.lost)
		x.lost = append(x.lost, l)
	case l.Count > x.lost[i].Count:
		x.lost[i] = l
	}
}

// until returns the time after which events may be missing that are not known to be lost: of a
// spool that was cut off, the last that it says it is complete up to.
func (x *index) until() int64 {
	if x.end != nil || x.begin.Version < 3 {
		return math.MaxInt64
	}
	return x.known
}

// cutOff leaves out what is not known whole, once all that there is was read.
func (x *index) cutOff() {
	if x.end == nil {
		x.closed = nil // it was taken after the last event that is kept
	}
	x.lost = slices.DeleteFunc(x.lost, func(l event.Lost) bool { return l.First > x.until() })
	x.lostAt = nil
}

// A ringReader reads one ring's records in the order of their times. They lie in the ring in the
// order in which room was taken, and those of an interrupt follow that of the probe it interrupted,
// though they are earlier: so it looks ahead.
type ringReader struct {
	f      *os.File
	frames []frame
	buf    []byte
	at     int
	ahead  []raw // sorted by time, from head on
	head   int
	bad    error // where the ring's records end, and it is not the end
}

// A raw is a record as the kernel wrote it.
type raw struct {
	time uint64
	b    []byte // from struct record on
}

// lookAhead is how many records it holds back at most: one for each probe that was interrupted, by
// a softirq, a hardware interrupt and an NMI, in each task that was preempted in the middle of one
// (7.0), with room to spare.
const lookAhead = 32

// fill makes sure that the earliest record is in ahead.
func (r *ringReader) fill() {
	for len(r.ahead)-r.head < lookAhead && r.bad == nil {
		if r.at >= len(r.buf) {
			if len(r.frames) == 0 {
				return
			}
			fr := r.frames[0]
			r.frames = r.frames[1:]
			r.buf = make([]byte, fr.size) // records in ahead may still point into the last one
			r.at = 0
			if _, err := r.f.ReadAt(r.buf, fr.at); err != nil && err != io.EOF {
				r.bad = err
				return
			}
			continue
		}
		rest := r.buf[r.at:]
		if len(rest) < sys.RingHeader {
			r.bad = fmt.Errorf("a record's header is cut off: %w", ErrFormat)
			return
		}
		header := binary.LittleEndian.Uint32(rest)
		n := sys.RingSize(header)
		if n > uint64(len(rest)) || n < sys.RingHeader {
			r.bad = fmt.Errorf("a record of %d bytes where %d are left: %w", n,
				len(rest), ErrFormat)
			return
		}
		r.at += int(n)
		b := rest[sys.RingHeader:n]
		if header&sys.RingDiscard != 0 {
			continue
		}
		if len(b) < recordSize {
			r.bad = fmt.Errorf("a record of %d bytes: %w", len(b), ErrFormat)
			return
		}
		r.push(raw{time: binary.LittleEndian.Uint64(b), b: b})
	}
}

// push puts a record where its time belongs. Nearly all belong at the end.
func (r *ringReader) push(x raw) {
	r.ahead = append(r.ahead, x)
	for i := len(r.ahead) - 1; i > r.head && r.ahead[i].time < r.ahead[i-1].time; i-- {
		r.ahead[i], r.ahead[i-1] = r.ahead[i-1], r.ahead[i]
	}
}

// next returns the earliest record, nil when there is none left.
func (r *ringReader) next() *raw {
	if r.head == len(r.ahead) {
		return nil
	}
	return &r.ahead[r.head]
}

// drop removes the earliest record.
func (r *ringReader) drop() {
	r.head++
	if r.head == 2*lookAhead {
		r.ahead = append(r.ahead[:0], r.ahead[r.head:]...)
		r.head = 0
	}
	r.fill()
}
