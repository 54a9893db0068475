package run

import (
	"bytes"
	"testing"

	library "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"switchyard/internal/parquet"
	"switchyard/trace/event"
)

// columnar are the values of a table, as the library's column writers take them.
type columnar struct {
	writers []*library.ColumnWriter
	values  [len(eventColumns)][]library.Value
	at      [len(eventColumns)]int // the library orders columns by name
	rows    int
}

func (c *columnar) put(column int, v library.Value, null bool) {
	level := 0
	if eventColumns[column].Optional && !null {
		level = 1
	}
	if null {
		v = library.Value{}
	}
	c.values[column] = append(c.values[column], v.Level(0, level, c.at[column]))
}

func (c *columnar) number(column int, n int64, null bool) {
	if eventColumns[column].Physical == parquet.Int64s {
		c.put(column, library.Int64Value(n), null)
		return
	}
	c.put(column, library.Int32Value(int32(n)), null)
}

// flush hands over what has come since the last time.
func (c *columnar) flush() error {
	for i := range c.values {
		if _, err := c.writers[c.at[i]].WriteRowValues(c.values[i]); err != nil {
			return err
		}
		c.values[i] = c.values[i][:0]
	}
	c.rows = 0
	return nil
}

// librarySchema is that of eventColumns.
func librarySchema() *library.Schema {
	group := library.Group{}
	for _, c := range eventColumns {
		var n library.Node
		switch c.Physical {
		case parquet.Int64s:
			n = library.Leaf(library.Int64Type)
		case parquet.Blobs:
			n = library.String()
		default:
			n = library.Leaf(library.Int32Type)
		}
		if c.Encoding == parquet.Delta {
			n = library.Encoded(n, &library.DeltaBinaryPacked)
		} else {
			n = library.Encoded(n, &library.RLEDictionary)
		}
		if c.Optional {
			n = library.Optional(n)
		}
		group[c.Name] = n
	}
	return library.NewSchema("events", group)
}

// libraryWrite writes events with the library, as eventEncoder does with the Writer.
func libraryWrite(to *bytes.Buffer, events []event.Event, codec compress.Codec) error {
	w := library.NewWriter(to, librarySchema(), library.Compression(codec),
		library.DataPageVersion(2), library.MaxRowsPerRowGroup(groupRows))
	c := columnar{writers: w.ColumnWriters()}
	for i, spec := range eventColumns {
		for k, column := range w.Schema().Columns() {
			if column[0] == spec.Name {
				c.at[i] = k
			}
		}
	}
	var p predictor
	group := 0
	for i := range events {
		e := &events[i]
		has := kindHas[e.Kind]
		c.number(eventTime, e.Time, false)
		c.put(eventKind, library.ByteArrayValue([]byte(kindNames[e.Kind])), false)
		c.number(eventCPU, int64(e.CPU), false)
		c.number(eventFlags, int64(e.Flags), false)
		c.number(eventTask, int64(e.Task), e.Task == event.NoTask)
		c.number(eventOther, int64(e.Other), has&hasOther == 0 || e.Other == event.NoTask)
		c.number(eventPrio, int64(e.Prio), has&hasPrio == 0)
		var nvcswDiff, nivcswDiff int16
		var execDiff int32
		isOne := has&isSwitch != 0
		if isOne {
			nvcsw, nivcsw, exec := p.expect(e.Task, e.Time, e.Flags)
			nvcswDiff, nivcswDiff = int16(e.NVCSW-nvcsw), int16(e.NIVCSW-nivcsw)
			execDiff = int32(uint32(e.Value) - exec)
			p.learn(e)
		}
		c.number(eventState, int64(e.State), !isOne)
		c.number(eventOtherPrio, int64(e.OtherPrio), !isOne)
		c.number(eventNVCSWDiff, int64(nvcswDiff), false)
		c.number(eventNIVCSWDiff, int64(nivcswDiff), false)
		c.number(eventExecDiff, int64(execDiff), execDiff == 0)
		c.number(eventAtCPU, e.Value, has&hasAtCPU == 0)
		c.number(eventSyscall, e.Value, has&hasSyscall == 0)
		c.number(eventResult, e.Value, has&hasResult == 0)
		if c.rows++; c.rows == 4096 {
			if err := c.flush(); err != nil {
				return err
			}
		}
		if group++; group == groupRows {
			if err := c.flush(); err != nil {
				return err
			}
			if err := w.Flush(); err != nil {
				return err
			}
			group = 0
		}
	}
	if err := c.flush(); err != nil {
		return err
	}
	return w.Close()
}

// BenchmarkLibrary writes a million events of the machines of TestBytesPerEvent with the Writer and
// with a library for all of Parquet, at the same encodings: bytes an event, and events a second of
// one core.
func BenchmarkLibrary(b *testing.B) {
	const n = 1_000_000
	library := func(codec compress.Codec) func(*bytes.Buffer, []event.Event) error {
		return func(to *bytes.Buffer, events []event.Event) error {
			return libraryWrite(to, events, codec)
		}
	}
	for _, machine := range []struct {
		name        string
		cpus, tasks int
	}{{"2 CPUs", 2, 300}, {"64 CPUs", 64, 4000}, {"256 CPUs", 256, 4000}} {
		events := newStream(1, machine.cpus, machine.tasks, false).events(n)
		for _, with := range []struct {
			name  string
			write func(*bytes.Buffer, []event.Event) error
		}{
			{"ours", func(to *bytes.Buffer, events []event.Event) error {
				w := newEventEncoder(to)
				for i := range events {
					if err := w.event(&events[i]); err != nil {
						return err
					}
				}
				_, err := w.table.Close()
				return err
			}},
			{"library, fastest", library(&zstd.Codec{Level: zstd.SpeedFastest})},
			{"library, default", library(&zstd.Codec{Level: zstd.SpeedDefault})},
			{"library, better", library(&zstd.Codec{Level: zstd.SpeedBetterCompression})},
		} {
			b.Run(machine.name+"/"+with.name, func(b *testing.B) {
				var out bytes.Buffer
				for b.Loop() {
					out.Reset()
					if err := with.write(&out, events); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(out.Len())/n, "bytes/event")
				b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "events/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
