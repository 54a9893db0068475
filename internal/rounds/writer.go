package rounds

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"switchyard/internal/run"
)

// A Writer keeps a comparison in a directory. A directory with a manifest is complete. It is for
// one goroutine at a time.
type Writer struct {
	dir    string
	parts  *run.Parts
	rounds *run.Part
	rows   int64
	err    error // the first of Add
}

// Create begins a run in a directory that holds none, and is made if it is not there. It is opened
// before the work, and nothing of it is asked for by its path afterwards: who gives up privileges
// meanwhile can still write. own is called with each file and directory that is made, to give it to
// the user it is for; nil keeps the process's own. Close releases what the Writer holds.
func Create(dir string, own func(*os.File)) (*Writer, error) {
	if err := run.MakeDirectory(dir, own); err != nil {
		return nil, err
	}
	root, err := run.OpenDirectory(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if err := run.Vacant(root, dir); err != nil {
		return nil, err
	}
	w := &Writer{dir: dir}
	if w.parts, err = run.NewParts(root, own); err != nil {
		return nil, err
	}
	if w.rounds, err = w.parts.Create(run.RoundsName); err != nil {
		w.parts.Close()
		return nil, err
	}
	return w, nil
}

// Add appends a round.
func (w *Writer) Add(r *Round) error {
	if w.err != nil {
		return w.err
	}
	line, err := json.Marshal(r)
	if err == nil && len(line) >= maxLine {
		err = fmt.Errorf("%d bytes are more than a round may have", len(line))
	}
	if err == nil {
		_, err = w.rounds.Write(append(line, '\n'))
	}
	if err != nil {
		w.err = fmt.Errorf("keep a round in %s: %w", w.dir, err)
		return w.err
	}
	w.rows++
	return nil
}

// Commit writes the manifest, makes sure that all is on the disk, and gives the files their
// names.
func (w *Writer) Commit(m Manifest) error {
	if w.err != nil {
		return w.err
	}
	if err := w.commit(m); err != nil {
		return fmt.Errorf("complete the run in %s: %w", w.dir, err)
	}
	return nil
}

func (w *Writer) commit(m Manifest) error {
	if w.parts == nil {
		return os.ErrClosed
	}
	bytes, err := w.rounds.Finish()
	if err != nil {
		return err
	}
	m.Schema, m.Rounds = Schema, run.Table{Rows: w.rows, Bytes: bytes}
	if err := m.check(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(&m, "", "  ")
	if err != nil {
		return err
	}
	if err := w.parts.WriteFile(run.ManifestName, append(text, '\n')); err != nil {
		return err
	}
	return w.parts.Commit()
}

// Close ends a Writer. Without a Commit that succeeded it removes the files.
func (w *Writer) Close() error {
	if w.parts == nil {
		return nil
	}
	kept := w.parts.Close()
	w.parts = nil
	if !kept && w.err == nil {
		w.err = errors.New("closed")
	}
	return nil
}
