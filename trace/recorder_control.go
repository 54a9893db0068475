package trace

import (
	"encoding/binary"

	"github.com/cilium/ebpf"
)

// Offsets in struct recording, which recordRecording is made from.
const (
	recOn    = 0
	recFound = 4
	recRoot  = 8
	recLost  = 12
)

func (r *Recorder) setCtl(field string, value uint32) {
	write32(r.ctl, ctlOffset(field), value)
}

func (r *Recorder) getCtl(field string) uint32 { return read32(r.ctl, ctlOffset(field)) }

func (r *Recorder) setRec(at int64, value uint32) { write32(r.rec, at, value) }

func (r *Recorder) getRec(at int64) uint32 { return read32(r.rec, at) }

func read32(m *ebpf.Memory, at int64) uint32 {
	var b [4]byte
	if _, err := m.ReadAt(b[:], at); err != nil {
		panic("trace: " + err.Error()) // never: the offset is inside
	}
	return binary.NativeEndian.Uint32(b[:])
}

func write32(m *ebpf.Memory, at int64, value uint32) {
	if _, err := m.WriteAt(binary.NativeEndian.AppendUint32(nil, value), at); err != nil {
		panic("trace: " + err.Error()) // never: the offset is inside
	}
}
