package run

import (
	"encoding/json"
	"time"

	"switchyard/trace/event"
)

// Schema names the layout of a run directory. Columns, tables and keys may be added to it; what changes its meaning
// changes the number.
const Schema = "switchyard.run/2"

// schema1 is what it was at first, and is read too. In it the differences of events.parquet begin anew with each row group.
const schema1 = "switchyard.run/1"

// Manifest is manifest.json. Writer.Commit fills in Schema, Tables and Lost.
type Manifest struct {
	Schema  string          `json:"schema"`
	Made    time.Time       `json:"made"`              // when the recording ended
	Command []string        `json:"command"`           // the command line, with the program's name
	Options json.RawMessage `json:"options,omitempty"` // model, seeds, buffers, what was asked for: as the command has them
	Host    event.Host      `json:"host"`
	Window  event.Window    `json:"window"`
	Clock   Clock           `json:"clock"`
	Probe   Probe           `json:"probe"`
	Checks  []event.Check   `json:"checks"`
	Lost    LostSum         `json:"lost"`
	Tables  Tables          `json:"tables"`
	// Warnings are sentences a report shows before anything else.
	Warnings []string `json:"warnings,omitempty"`
}

// Clock is one moment on two clocks: REALTIME − BOOTTIME turns any time of the run into one of the calendar.
type Clock struct {
	Boottime int64 `json:"boottime_ns"`
	Realtime int64 `json:"realtime_ns"` // since 1970, UTC
}

// Time returns a time of the run as one of the calendar.
func (c Clock) Time(boottime int64) time.Time { return time.Unix(0, c.Realtime+boottime-c.Boottime) }

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
