package rounds

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"switchyard/internal/run"
)

// maxLine bounds one round: its distributions have a few dozen thousand buckets at most.
const maxLine = 8 << 20

// A Reader reads the run directory of a comparison, which may come from anybody.
type Reader struct {
	files    *run.Files
	manifest Manifest
}

// Open opens the run directory of a comparison and reads its manifest. It refuses what is not
// complete, newer or damaged with an error of one line. Close releases it.
func Open(dir string) (*Reader, error) {
	files, err := run.OpenFiles(dir)
	if err != nil {
		return nil, err
	}
	r := &Reader{files: files}
	if err := r.readManifest(); err != nil {
		files.Close()
		return nil, err
	}
	return r, nil
}

func (r *Reader) readManifest() error {
	schema, data, err := r.files.ReadManifest()
	if err != nil {
		return err
	}
	if schema != Schema {
		return r.files.Foreign(schema, Schema)
	}
	if err := json.Unmarshal(data, &r.manifest); err != nil {
		return r.files.Damaged(run.ManifestName, err)
	}
	if err := r.manifest.check(); err != nil {
		return r.files.Damaged(run.ManifestName, err)
	}
	return nil
}

// Close releases the directory. What was read stays.
func (r *Reader) Close() error { return r.files.Close() }

// Manifest returns the manifest.
func (r *Reader) Manifest() *Manifest { return &r.manifest }

// Rounds yields the rounds in the order in which they were measured. An error is the last thing it
// yields, and comes without a round. Each call starts anew, and holds one round.
func (r *Reader) Rounds() iter.Seq2[*Round, error] {
	return func(yield func(*Round, error) bool) {
		f, size, err := r.files.OpenFile(run.RoundsName)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		damaged := func(why error) { yield(nil, r.files.Damaged(run.RoundsName, why)) }
		if want := r.manifest.Rounds.Bytes; size != want {
			damaged(fmt.Errorf("it has %d bytes and the manifest says %d", size, want))
			return
		}
		lines := bufio.NewScanner(io.LimitReader(f, size))
		lines.Buffer(nil, maxLine)
		n := int64(0)
		for ; lines.Scan(); n++ {
			round := new(Round)
			if err := json.Unmarshal(lines.Bytes(), round); err != nil {
				damaged(fmt.Errorf("round %d: %w", n, err))
				return
			}
			if !yield(round, nil) {
				return
			}
		}
		switch err := lines.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			damaged(fmt.Errorf("round %d has more bytes than a round may have", n))
		case err != nil:
			yield(nil, fmt.Errorf("read %s: %w", run.RoundsName, err))
		case n != r.manifest.Rounds.Rows:
			damaged(fmt.Errorf("it has %d rounds and the manifest says %d", n,
				r.manifest.Rounds.Rows))
		}
	}
}

// Result sums all rounds up.
func (r *Reader) Result() (*Result, error) {
	result := NewResult(&r.manifest)
	for round, err := range r.Rounds() {
		if err != nil {
			return nil, err
		}
		if err := result.Add(round); err != nil {
			return nil, r.files.Damaged(run.RoundsName, err)
		}
	}
	return result, nil
}
