package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"switchyard/internal/parquet"
	"switchyard/trace/event"
)

// Names of the files.
const (
	// ManifestName is the manifest of a run of any kind, which gets its name last.
	ManifestName = "manifest.json"
	// RoundsName has the rounds of a comparison.
	RoundsName    = "rounds.jsonl"
	eventsName    = "events.parquet"
	tasksName     = "tasks.parquet"
	snapshotsName = "snapshots.parquet"
	lostName      = "lost.parquet"
	loadName      = "load.json"
)

// A Writer makes a run directory. It writes to hidden files, which get their names when everything
// is written, the manifest's last: a directory with a manifest is complete. It is not safe for
// concurrent use.
type Writer struct {
	dir    string
	parts  *Parts
	made   bool  // the directory is ours
	err    error // the first of Event
	closed bool

	events    *Part
	eventRows *eventEncoder
	rows      int64
	last      int64        // time of the last event
	greatest  event.TaskID // in an event
	ended     []int64      // when a task began to end

	tasks     []event.Task
	snapshots [3][]event.Snapshot // by end
	lost      []event.Lost
	load      []byte
}

// Create makes a directory that only its owner can read, or takes one that is there and holds no
// run, and begins the table of events in it. The directory above must exist, and dir be no symbolic
// link: a link in a place where others write could lead root anywhere. own is called with each
// file, and with the directory when it was made, to give it to the user it is for; nil keeps the
// process's own.
//
// The process needs permission to write in the directory until Commit. Close releases what the
// Writer holds.
func Create(dir string, own func(*os.File)) (_ *Writer, err error) {
	made := false
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		made = true
	case !errors.Is(err, fs.ErrExist):
		return nil, err
	}
	root, err := OpenDirectory(dir)
	if err == nil && made && own != nil {
		var d *os.File
		if d, err = root.Open("."); err == nil {
			own(d)
			d.Close()
		}
	}
	if err != nil {
		if root != nil {
			root.Close()
		}
		if made {
			os.Remove(dir)
		}
		return nil, err
	}
	defer root.Close()
	return create(root, dir, own, made)
}

// CreateIn is Create in a directory that is open; dir is what it is called in errors. It stays the
// caller's to close.
func CreateIn(root *os.Root, dir string, own func(*os.File)) (*Writer, error) {
	return create(root, dir, own, false)
}

func create(root *os.Root, dir string, own func(*os.File), made bool) (_ *Writer, err error) {
	w := &Writer{dir: dir, greatest: -1, made: made}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	if err := clearRun(root, dir); err != nil {
		return nil, err
	}
	if w.parts, err = NewParts(root, own); err != nil {
		return nil, err
	}
	if w.events, err = w.parts.Create(eventsName); err != nil {
		return nil, err
	}
	w.eventRows = newEventEncoder(w.events)
	return w, nil
}

// Vacant says why no run can be written to a directory that is open: it holds one, or a part of one
// that is not a Writer's.
func Vacant(root *os.Root, dir string) error {
	_, err := taken(root, dir)
	return err
}

// clearRun makes sure that no file has a name that one of the run will get. Only what a Writer left
// that was killed while it gave out names goes: the manifest is then complete under its hidden
// name, and never is otherwise.
func clearRun(root *os.Root, dir string) error {
	left, err := taken(root, dir)
	if err != nil {
		return err
	}
	for _, name := range left {
		if err := root.Remove(name); err != nil {
			return fmt.Errorf("begin a run in %s, which has a %s: %w: choose another directory",
				dir, name, err)
		}
	}
	return nil
}

// taken returns the names that an interrupted Writer has left, its hidden manifest's last.
func taken(root *os.Root, dir string) (left []string, err error) {
	manifest := hidden(ManifestName)
	_, err = root.Lstat(manifest)
	interrupted := err == nil
	for _, name := range []string{ManifestName, RoundsName, eventsName, tasksName, snapshotsName,
		lostName, loadName} {
		_, err := root.Lstat(name)
		if err == nil && interrupted && name != ManifestName {
			left = append(left, name)
			continue
		} else if err == nil {
			err = fs.ErrExist
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf(
				"begin a run in %s, which has a %s: %w: choose another directory",
				dir, name, err)
		}
	}
	if interrupted {
		left = append(left, manifest)
	}
	return left, nil
}

// Event appends an event. Events come in the order of time; one that comes too late, or that no
// table can hold, is refused, and the Writer is then of no more use. Fields to which the event's
// kind gives no meaning are not kept.
func (w *Writer) Event(e *event.Event) error {
	if w.err != nil {
		return w.err
	}
	if e.Time < w.last && w.rows > 0 {
		w.err = fmt.Errorf("write event %d: its time %d is before %d, that of the one before",
			w.rows, e.Time, w.last)
		return w.err
	}
	if err := w.eventRows.event(e); err != nil {
		w.err = fmt.Errorf("write event %d: %w", w.rows, err)
		return w.err
	}
	w.last = e.Time
	w.greatest = max(w.greatest, e.Task)
	if kindHas[e.Kind]&hasOther != 0 {
		w.greatest = max(w.greatest, e.Other)
	}
	if e.Kind == event.Exit && e.Task >= 0 {
		if int(e.Task) >= len(w.ended) {
			w.ended = append(w.ended, make([]int64, int(e.Task)+1-len(w.ended))...)
		}
		w.ended[e.Task] = e.Time
	}
	w.rows++
	return nil
}

// Tasks sets the table of tasks: task n is the nth. Every task that an event, a snapshot or a
// parent names is in it.
func (w *Writer) Tasks(tasks []event.Task) { w.tasks = tasks }

// Snapshots sets what the kernel's books said when the window opened and when it closed.
func (w *Writer) Snapshots(open, close []event.Snapshot) {
	w.snapshots[0], w.snapshots[1] = open, close
}

// Last sets what the kernel's books said of tasks at their last switch.
func (w *Writer) Last(last []event.Snapshot) { w.snapshots[2] = last }

// Lost sets the intervals in which events were lost.
func (w *Writer) Lost(lost []event.Lost) { w.lost = lost }

// Load sets load.json, the JSON of what the clients saw. Without it there is none.
func (w *Writer) Load(json []byte) { w.load = json }

// Commit writes the rest, makes sure that all of it is on the disk, and gives the files their
// names. After an error nothing of the run is left.
func (w *Writer) Commit(m Manifest) error {
	if w.closed {
		return fmt.Errorf("complete the run in %s: %w", w.dir, os.ErrClosed)
	}
	err := w.commit(m)
	if err != nil {
		err = fmt.Errorf("complete the run in %s: %w", w.dir, err)
	}
	w.Close()
	return err
}

func (w *Writer) commit(m Manifest) error {
	if w.err != nil {
		return w.err
	}
	if int64(w.greatest) >= int64(len(w.tasks)) {
		return fmt.Errorf("an event names task %d and the table of tasks has %d", w.greatest,
			len(w.tasks))
	}
	m.Schema = Schema
	var err error
	if m.Tables.Events, err = w.events.finishTable(w.eventRows.table); err != nil {
		return err
	}
	m.Tables.Tasks, err = w.writeTable(tasksName, "tasks", taskColumns[:],
		func(t *parquet.Writer) error {
			return writeTasks(t, w.tasks, w.ended)
		})
	if err != nil {
		return err
	}
	m.Tables.Snapshots, err = w.writeTable(snapshotsName, "snapshots", snapshotColumns[:],
		func(t *parquet.Writer) error {
			for end, list := range w.snapshots {
				if err := writeSnapshots(t, int64(end), list, len(w.tasks)); err != nil {
					return err
				}
			}
			return nil
		})
	if err != nil {
		return err
	}
	m.Tables.Lost, err = w.writeTable(lostName, "lost", lostColumns[:],
		func(t *parquet.Writer) error {
			return writeLost(t, w.lost)
		})
	if err != nil {
		return err
	}
	m.Lost = LostSum{}
	for _, l := range w.lost {
		m.Lost.Intervals++
		m.Lost.Events += l.Count
	}
	if w.load != nil {
		if !json.Valid(w.load) {
			return fmt.Errorf("%s would not be JSON", loadName)
		}
		if err := w.parts.WriteFile(loadName, w.load); err != nil {
			return err
		}
	}
	if err := m.check(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(&m, "", "  ")
	if err != nil {
		return err
	}
	if err := w.parts.WriteFile(ManifestName, append(text, '\n')); err != nil {
		return err
	}
	return w.parts.Commit()
}

// smallGroupRows is how many rows a row group of the other tables has.
const smallGroupRows = 1 << 14

// writeTable writes a table, to which rows adds what is in it.
func (w *Writer) writeTable(name, title string, columns []parquet.Column,
	rows func(*parquet.Writer) error) (Table, error) {
	p, err := w.parts.Create(name)
	if err != nil {
		return Table{}, err
	}
	t := parquet.NewWriter(p, title, Schema, columns, smallGroupRows)
	if err := rows(t); err != nil {
		return Table{}, err
	}
	return p.finishTable(t)
}

// finishTable writes the rest of a table and makes sure that it is on the disk.
func (p *Part) finishTable(t *parquet.Writer) (Table, error) {
	rows, err := t.Close()
	if err != nil {
		return Table{}, err
	}
	bytes, err := p.Finish()
	return Table{rows, bytes}, err
}

// Close ends a Writer. Without a Commit that succeeded it removes what the Writer made.
func (w *Writer) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	kept := w.parts != nil && w.parts.Close()
	if w.made && !kept {
		os.Remove(w.dir) // if there is nothing else in it
	}
	return nil
}
