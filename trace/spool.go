package trace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// A spool is the file a recording goes to while it is made: frames, only ever appended, each with its own checksum. What
// was written before the tracer was killed, or the disk was full, can be read; a frame that is not whole ends the spool.
//
// All numbers are those of the machine that recorded, which is little-endian.
type spool struct {
	f *os.File

	mu   sync.Mutex
	size int64
	fail error // the first write that failed: nothing comes after it
}

// SpoolVersion is the version of the spools written here, and the newest that can be read. Older ones can be read, too.
//
// Version 2 has the tasks' numbers in the recorder's PID namespace. In version 1 a task has only the kernel's own. Version 3
// says again and again up to which time it is complete.
const SpoolVersion = 3

const (
	spoolMagic  = 0x31465953 // "SYF1": a frame begins
	spoolHeader = 24
	// A frame holds a ring's content at most, or all tasks of a machine.
	spoolMaxFrame = 1 << 30
)

// What a frame holds. The values are on disk.
type frameKind uint16

const (
	frameBegin   frameKind = 1 // JSON: spoolBegin
	frameRing    frameKind = 2 // a CPU's records, with the ring buffer's headers
	frameOpen    frameKind = 3 // struct record_snapshot of every task, before the window
	frameClose   frameKind = 4 // the same, after it
	frameMissing frameKind = 5 // struct record_lost of every CPU that has lost events it could not tell of
	frameEnd     frameKind = 6 // JSON: spoolEnd
	frameWindow  frameKind = 7 // JSON: the window is open
	frameKnown   frameKind = 8 // u64: every event of every CPU up to this time (ns) is in the frames before; since version 3
)

// castagnoli returns the table of the checksums. To fill it takes 0.13 ms, which a server of fork/exec would pay for each
// connection if it were filled when the program starts.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func newSpool(f *os.File) *spool { return &spool{f: f} }

// spoolFrameHeader is what comes before a frame's payload.
func spoolFrameHeader(kind frameKind, ring int, payload []byte) (h [spoolHeader]byte) {
	binary.LittleEndian.PutUint32(h[0:], spoolMagic)
	binary.LittleEndian.PutUint16(h[4:], uint16(kind))
	binary.LittleEndian.PutUint16(h[6:], uint16(ring))
	binary.LittleEndian.PutUint64(h[8:], uint64(len(payload)))
	binary.LittleEndian.PutUint32(h[16:], crc32.Checksum(payload, castagnoli()))
	binary.LittleEndian.PutUint32(h[20:], crc32.Checksum(h[:20], castagnoli()))
	return h
}

// append writes a frame in one system call, so that being killed in between leaves at most its beginning.
func (s *spool) append(kind frameKind, ring int, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	h := spoolFrameHeader(kind, ring, payload)
	rest := [][]byte{h[:], payload}
	for total := spoolHeader + len(payload); total > 0; {
		n, err := unix.Writev(int(s.f.Fd()), rest)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err == nil && n == 0 {
			err = unix.ENOSPC
		}
		if err != nil {
			s.fail = fmt.Errorf("write %s: %w", s.f.Name(), err)
			return s.fail
		}
		total -= n
		s.size += int64(n)
		for n > 0 {
			k := min(n, len(rest[0]))
			rest[0] = rest[0][k:]
			n -= k
			if len(rest[0]) == 0 && len(rest) > 1 {
				rest = rest[1:]
			}
		}
	}
	return nil
}

// abandon keeps anything more from being written, for a reason, and returns the first that there was.
func (s *spool) abandon(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail == nil {
		s.fail = err
	}
	return s.fail
}
