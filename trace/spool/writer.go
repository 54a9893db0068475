package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// A Writer writes frames to a spool. Several goroutines may use it.
type Writer struct {
	f *os.File

	mu   sync.Mutex
	fail error // the first write that failed: nothing comes after it
}

const (
	frameMagic  = 0x31465953 // "SYF1": a frame begins
	frameHeader = 24
	// A frame holds a ring's content at most, or all tasks of a machine.
	maxFrame = 1 << 30
)

// castagnoli returns the table of the checksums. To fill it takes 0.13 ms, which a server of
// fork/exec would pay for each connection if it were filled when the program starts.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// NewWriter writes to an empty file that is open for writing, and stays the caller's to close.
func NewWriter(f *os.File) *Writer { return &Writer{f: f} }

// headerOf is what comes before a frame's payload.
func headerOf(kind FrameKind, ring int, payload []byte) (h [frameHeader]byte) {
	binary.LittleEndian.PutUint32(h[0:], frameMagic)
	binary.LittleEndian.PutUint16(h[4:], uint16(kind))
	binary.LittleEndian.PutUint16(h[6:], uint16(ring))
	binary.LittleEndian.PutUint64(h[8:], uint64(len(payload)))
	binary.LittleEndian.PutUint32(h[16:], crc32.Checksum(payload, castagnoli()))
	binary.LittleEndian.PutUint32(h[20:], crc32.Checksum(h[:20], castagnoli()))
	return h
}

// Append writes a frame in one system call, so that being killed in between leaves at most its
// beginning. After an error nothing more is written.
func (w *Writer) Append(kind FrameKind, ring int, payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return w.fail
	}
	h := headerOf(kind, ring, payload)
	rest := [][]byte{h[:], payload}
	for total := frameHeader + len(payload); total > 0; {
		n, err := unix.Writev(int(w.f.Fd()), rest)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err == nil && n == 0 {
			err = unix.ENOSPC
		}
		if err != nil {
			w.fail = fmt.Errorf("write %s: %w", filepath.Clean(w.f.Name()), err)
			return w.fail
		}
		total -= n
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

// Abandon keeps anything more from being written, for a reason, and returns the first that there
// was.
func (w *Writer) Abandon(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail == nil {
		w.fail = err
	}
	return w.fail
}
