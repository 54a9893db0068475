package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"

	"switchyard/internal/parquet"
	"switchyard/internal/sys"
	"switchyard/trace/event"
)

// A Reader reads a run directory. Several goroutines may use it.
type Reader struct {
	*Files
	manifest Manifest
	tasks    []event.Task
	open     []event.Snapshot
	close    []event.Snapshot
	last     []event.Snapshot
	lost     []event.Lost

	events     *parquet.Table
	eventsFile *os.File
}

// maxLoad bounds load.json.
const maxLoad = 64 << 20

// Open opens a run directory and reads everything but the events. It refuses what is not complete,
// newer or damaged with an error of one line. The memory it takes stands in proportion to the
// files' size. Close releases it.
func Open(dir string) (*Reader, error) {
	root, err := sys.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("read run: %w", err)
	}
	defer root.Close()
	return OpenIn(root, dir)
}

// OpenIn is Open in a directory that is open; dir is what it is called in errors. It stays the
// caller's to close.
func OpenIn(root *os.Root, dir string) (_ *Reader, err error) {
	files, err := FilesIn(root, dir)
	if err != nil {
		return nil, err
	}
	r := &Reader{Files: files}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if err := r.readManifest(); err != nil {
		return nil, err
	}
	tables := &r.manifest.Tables
	if err := r.readTable(tasksName, taskColumns[:], tables.Tasks, r.addTasks); err != nil {
		return nil, err
	}
	if err := r.readTable(snapshotsName, snapshotColumns[:], tables.Snapshots,
		r.addSnapshots); err != nil {
		return nil, err
	}
	if err := r.readTable(lostName, lostColumns[:], tables.Lost, r.addLost); err != nil {
		return nil, err
	}
	var sum LostSum
	for _, l := range r.lost {
		sum.Intervals++
		sum.Events += l.Count
	}
	if sum != r.manifest.Lost {
		return nil, r.Damaged(lostName,
			fmt.Errorf("it has %d events in %d intervals and the manifest %d in %d",
				sum.Events, sum.Intervals, r.manifest.Lost.Events, r.manifest.Lost.Intervals))
	}
	r.eventsFile, r.events, err = r.openRows(eventsName, eventColumns[:], tables.Events)
	return r, err
}

// addTasks, addSnapshots and addLost take a row group of their table.
func (r *Reader) addTasks(columns []parquet.Values, rows int) (err error) {
	r.tasks, err = tasksOf(r.tasks, columns, rows, int(r.manifest.Tables.Tasks.Rows))
	return err
}

func (r *Reader) addSnapshots(columns []parquet.Values, rows int) error {
	for i := range rows {
		end, s, err := snapshotOf(columns, i, len(r.tasks))
		if err != nil {
			return fmt.Errorf("row %d: %w", len(r.open)+len(r.close)+len(r.last), err)
		}
		switch end {
		case endOpen:
			r.open = append(r.open, s)
		case endClose:
			r.close = append(r.close, s)
		case endLast:
			r.last = append(r.last, s)
		}
	}
	return nil
}

func (r *Reader) addLost(columns []parquet.Values, rows int) error {
	for i := range rows {
		l, err := lostOf(columns, i)
		if err != nil {
			return fmt.Errorf("row %d: %w", len(r.lost), err)
		}
		r.lost = append(r.lost, l)
	}
	return nil
}

// Close releases the files. What was read stays.
func (r *Reader) Close() error {
	if r.eventsFile != nil {
		r.eventsFile.Close()
	}
	return r.Files.Close()
}

// Manifest returns the manifest.
func (r *Reader) Manifest() *Manifest { return &r.manifest }

// Tasks returns the table of tasks, by number.
func (r *Reader) Tasks() []event.Task { return r.tasks }

// Snapshots returns what the kernel's books said when the window opened and when it closed.
func (r *Reader) Snapshots() (open, close []event.Snapshot) { return r.open, r.close }

// Last returns what the kernel's books said of tasks at their last switch; before the fourth schema
// nothing.
func (r *Reader) Last() []event.Snapshot { return r.last }

// Lost returns the intervals in which events were lost.
func (r *Reader) Lost() []event.Lost { return r.lost }

// Load returns load.json, nil in a run without load.
func (r *Reader) Load() (json.RawMessage, error) {
	data, err := r.ReadFile(loadName, maxLoad)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !json.Valid(data):
		return nil, r.Damaged(loadName, errors.New("it is not JSON"))
	}
	return data, nil
}

// Events yields the events in the order of time. An event is used again for the next: copy what is
// to stay. An error is the last thing it yields, and comes without an event. It holds one row group
// in memory; each call starts anew.
func (r *Reader) Events() iter.Seq2[*event.Event, error] {
	return func(yield func(*event.Event, error) bool) {
		r.eventsOf(new(parquet.Reader), yield)
	}
}

func (r *Reader) eventsOf(groups *parquet.Reader, yield func(*event.Event, error) bool) {
	d := eventDecoder{tasks: len(r.tasks), anew: r.manifest.Schema == schema1}
	var row int64
	for i := range r.events.Groups() {
		columns, err := groups.Read(r.events, i)
		if err != nil {
			yield(nil, r.Damaged(eventsName, err))
			return
		}
		if err := d.begin(columns); err != nil {
			yield(nil, r.Newer(eventsName, err.Error()))
			return
		}
		for k := range r.events.GroupRows(i) {
			e, err := d.event(columns, k)
			if err != nil {
				yield(nil, r.Damaged(eventsName, fmt.Errorf("event %d: %w", row, err)))
				return
			}
			if !yield(e, nil) {
				return
			}
			row++
		}
	}
}

func (r *Reader) readManifest() error {
	_, data, err := r.ReadManifest()
	if err != nil {
		return err
	}
	return r.parseManifest(data)
}

func (r *Reader) parseManifest(data []byte) error {
	schema, err := r.schema(data)
	if err != nil {
		return err
	}
	switch schema {
	case Schema, schema3, schema2, schema1:
	default:
		return r.Foreign(schema, Schema)
	}
	if err := json.Unmarshal(data, &r.manifest); err != nil {
		return r.Damaged(ManifestName, err)
	}
	if err := r.manifest.check(); err != nil {
		return r.Damaged(ManifestName, err)
	}
	return nil
}

// check says what of a manifest cannot be.
func (m *Manifest) check() error {
	if m.Window.Open > m.Window.Close {
		return fmt.Errorf("the window closes at %d, before it opens at %d", m.Window.Close,
			m.Window.Open)
	}
	t := &m.Tables
	for _, t := range []Table{t.Events, t.Tasks, t.Snapshots, t.Lost} {
		if t.Rows < 0 || t.Bytes < 0 {
			return fmt.Errorf("a table of %d rows in %d bytes", t.Rows, t.Bytes)
		}
	}
	if t.Tasks.Rows > maxTasks {
		return fmt.Errorf("%d tasks", t.Tasks.Rows)
	}
	return nil
}

// openRows opens a table and compares it with what the manifest says of it.
func (r *Reader) openRows(name string, columns []parquet.Column, want Table) (_ *os.File,
	_ *parquet.Table, err error) {
	f, size, err := r.OpenFile(name)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if size != want.Bytes {
		return nil, nil, r.Damaged(name, fmt.Errorf("it has %d bytes and the manifest says %d",
			size, want.Bytes))
	}
	t, err := parquet.Open(f, size, columns)
	if err != nil {
		return nil, nil, r.Damaged(name, err)
	}
	if t.Rows() != want.Rows {
		return nil, nil, r.Damaged(name, fmt.Errorf("it has %d rows and the manifest says %d",
			t.Rows(), want.Rows))
	}
	return f, t, nil
}

// readTable reads a table that is kept in memory, which a few bytes must not fill: beyond a million
// rows each takes at least two bits of the file.
func (r *Reader) readTable(name string, columns []parquet.Column, want Table,
	each func(columns []parquet.Values, rows int) error) error {
	f, t, err := r.openRows(name, columns, want)
	if err != nil {
		return err
	}
	defer f.Close()
	if t.Rows() > 1<<20+4*want.Bytes {
		return r.Damaged(name, fmt.Errorf("%d rows in %d bytes", t.Rows(), want.Bytes))
	}
	if err := t.EachGroup(new(parquet.Reader), each); err != nil {
		return r.Damaged(name, err)
	}
	return nil
}
