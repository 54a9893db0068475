package spool

import (
	"time"

	"switchyard/trace/event"
)

// FrameKind says what a frame holds. The values are on disk.
type FrameKind uint16

const (
	FrameBegin FrameKind = 1 // JSON: Begin
	FrameRing  FrameKind = 2 // a CPU's records, with the ring buffer's headers
	FrameOpen  FrameKind = 3 // struct record_snapshot of every task, before the window
	FrameClose FrameKind = 4 // the same, after it
	// struct record_lost of every CPU that has lost events it could not tell of
	FrameMissing FrameKind = 5
	FrameEnd     FrameKind = 6 // JSON: End
	FrameWindow  FrameKind = 7 // JSON, Mark: the window is open
	// u64: every event of every CPU up to this time (ns) is in the frames before; since version 3
	FrameKnown FrameKind = 8
)

// Version is the version of the spools written here, and the newest that can be read. Older ones
// can be read, too.
//
// Version 2 has the tasks' numbers in the recorder's PID namespace. In version 1 a task has only
// the kernel's own. Version 3 says again and again up to which time it is complete, and on which
// machine it was made. Version 4 has the kernel's books on each task at its last switch. Version 5
// says which CPUs went offline and came back.
const Version = 5

// MaxRings is the most rings that a recording can have: MAX_RINGS in trace/bpf/ring.h. CPUs beyond
// share them.
const MaxRings = 64

// Begin is the first frame of a spool.
type Begin struct {
	Version int    `json:"version"` // of the spool: see Version
	Kernel  string `json:"kernel"`  // uname -r
	Machine string `json:"machine"` // uname -m
	CPUs    int    `json:"cpus"`    // possible ones
	Online  int    `json:"online"`  // above the highest number of one that is online
	// NoHotplug is why it is not known when CPUs go offline and come back, since version 5; "": it
	// is known.
	NoHotplug string `json:"no_hotplug,omitempty"`
	Rings     int    `json:"rings"` // how many
	All       bool   `json:"all"`
	Syscalls  bool   `json:"syscalls"`
	// Probes are the names of those that were asked for; of an older spool none.
	Probes []string `json:"probes,omitempty"`
	Buffer int      `json:"buffer"` // the size of each ring, bytes
	// its TGID in the first PID namespace; before version 2 in its own
	Tracer uint32   `json:"tracer"`
	Level  uint32   `json:"level"` // depth of its PID namespace; 0: the first, or before version 2
	Args   []string `json:"args"`
	// The same moment by two clocks, ns.
	Boottime int64 `json:"boottime"`
	Realtime int64 `json:"realtime"`
	// Host is the machine, since version 3.
	Host event.Host `json:"host"`
}

// host returns what is known of the machine.
func (b *Begin) host() event.Host {
	h := b.Host
	h.Kernel, h.CPUs = b.Kernel, b.CPUs
	if h.Arch == "" {
		h.Arch = map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[b.Machine]
	}
	return h
}

// Mark is a moment: the window opens, or closes.
type Mark struct {
	Time int64          `json:"time"` // ns of CLOCK_BOOTTIME
	Ctxt *event.Reading `json:"ctxt,omitempty"`
	Why  string         `json:"why,omitempty"` // there is no ctxt
	// Online are the CPUs that were when the window opened, in the kernel's list format; "": not
	// known, or before version 5.
	Online string `json:"online,omitempty"`
}

// End is the last frame.
type End struct {
	Mark
	Cost Cost `json:"cost"`
	// ns in the window, of all CPUs
	Steal      int64 `json:"steal"`
	Interrupts int64 `json:"interrupts"`

	Throttled    *event.Throttling `json:"throttled,omitempty"`
	ThrottledWhy string            `json:"throttled_why,omitempty"` // it is not known
}

// Cost is what recording took, apart from the probes' own time.
type Cost struct {
	Attach    time.Duration // loading and attaching
	Events    uint64        // records written
	Bytes     uint64        // into the rings
	Lost      uint64        // events there was no room for
	ReaderCPU time.Duration // of the thread that empties the rings
	Memory    uint64        // of the rings, other maps and programs in the kernel, bytes
}
