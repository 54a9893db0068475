package run

import (
	"encoding/json"
	"time"

	"switchyard/trace/event"
)

// Schema names the layout of a run directory. Columns, tables and keys may be added to it; what
// changes its meaning changes the number.
const Schema = "switchyard.run/4"

// Older ones are read, too. In schema3 snapshots.parquet had nothing of a task's last switch. In
// schema2, besides, the manifest had checks, which are made anew from the tables
// each time, and of what switches cost only percentiles. In schema1, besides, the differences of
// events.parquet begin anew with each row group.
const (
	schema3 = "switchyard.run/3"
	schema2 = "switchyard.run/2"
	schema1 = "switchyard.run/1"
)

// Manifest is manifest.json. Writer.Commit fills in Schema, Tables and Lost.
type Manifest struct {
	Schema  string       `json:"schema"`
	Made    time.Time    `json:"made"`    // when the recording ended
	Command []string     `json:"command"` // the command line, with the program's name
	Options Options      `json:"options"`
	Host    event.Host   `json:"host"`
	Window  event.Window `json:"window"`
	Clock   Clock        `json:"clock"`
	Probe   Probe        `json:"probe"`
	Lost    LostSum      `json:"lost"`
	Tables  Tables       `json:"tables"`
	// Warnings are sentences a report shows before anything else.
	Warnings []string `json:"warnings,omitempty"`
}

// Options are what was asked for, and what an analysis needs besides the tables.
type Options struct {
	Of       string `json:"of"`               // what was traced, in words
	All      bool   `json:"all"`              // every task
	Nested   bool   `json:"nested,omitempty"` // the recorder was in a PID namespace of its own
	Syscalls bool   `json:"syscalls"`         // their entries and exits, too
	// Probes are the names of those that were asked for; an older recording does not tell.
	Probes []string `json:"probes,omitempty"`
	Buffer int      `json:"buffer_bytes"` // of each ring
	Online int      `json:"cpus_online"`  // above the highest number of a CPU that was online
	// CPUs are those that were online when the window opened, in the kernel's list format
	// ("0-3,8"); "" if it is not known. NoHotplug is why it is not known when CPUs went offline and
	// came back.
	CPUs      string `json:"cpus,omitempty"`
	NoHotplug string `json:"no_hotplug,omitempty"`
	// Steal is what the hypervisor kept from all CPUs in the window, Interrupts what they spent in
	// interrupts, ns; nil if it is not known.
	Steal      *int64 `json:"steal_ns"`
	Interrupts *int64 `json:"interrupts_ns"`
	// Ctxt is ctxt of /proc/stat at the window's two ends, nil if it is not known.
	Ctxt *[2]event.Reading `json:"ctxt,omitempty"`

	Throttled    *event.Throttling `json:"throttled,omitempty"` // nil: it is not known
	ThrottledWhy string            `json:"throttled_why,omitempty"`

	// SwitchCost is what switches cost in the window, nil if that was not measured. Percentiles is
	// what schema2 had instead.
	SwitchCost  *event.SwitchCosts `json:"switch_cost,omitempty"`
	Percentiles json.RawMessage    `json:"switch_cost_ns,omitempty"`
}

// Clock is one moment on two clocks: REALTIME − BOOTTIME turns any time of the run into one of the
// calendar.
type Clock struct {
	Boottime int64 `json:"boottime_ns"`
	Realtime int64 `json:"realtime_ns"` // since 1970, UTC
}

// Time returns a time of the run as one of the calendar.
func (c Clock) Time(boottime int64) time.Time {
	return time.Unix(0, c.Realtime+boottime-c.Boottime)
}

// Probe is what recording itself cost. A number that was not measured is nil.
type Probe struct {
	Events        uint64   `json:"events"`
	BytesPerEvent *float64 `json:"bytes_per_event"` // in the rings
	NsPerEvent    *float64 `json:"ns_per_event"`    // A/B, not self-reported
	ReaderCPU     *int64   `json:"reader_cpu_ns"`
	Attach        *int64   `json:"attach_ns"`
	Memory        *int64   `json:"memory_bytes"`
	Calibrated    string   `json:"calibrated,omitempty"` // how, or why not
}

// LostSum is the sum of lost.parquet.
type LostSum struct {
	Intervals int    `json:"intervals"`
	Events    uint64 `json:"events"`
}

// Tables says what each table holds. A table whose length differs is not the one that was written.
type Tables struct {
	Events    Table `json:"events"`
	Tasks     Table `json:"tasks"`
	Snapshots Table `json:"snapshots"`
	Lost      Table `json:"lost"`
}

// Table is the size of one table.
type Table struct {
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
}
