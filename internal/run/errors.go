package run

import (
	"errors"
	"fmt"
)

// What is wrong with a run that cannot be read. The error names the file, and what to do.
var (
	// ErrIncomplete: the directory has no manifest, so the recording did not finish, or it is no run at all.
	ErrIncomplete = errors.New("not a complete run")
	// ErrNewer: a later version of switchyard made it.
	ErrNewer = errors.New("made by a newer switchyard")
	// ErrDamaged: a file is not what was written.
	ErrDamaged = errors.New("damaged")
)

// damaged says that a file of a run is not what was written, and how it shows.
func (r *Reader) damaged(name string, why error) error {
	return fmt.Errorf("read run %s: %s is %w: %w: copy the run again from where it was made, or record again", r.dir, name, ErrDamaged, why)
}

// newer says that a run cannot be understood.
func (r *Reader) newer(name, what string) error {
	return fmt.Errorf("read run %s: %s was %w (%s): use that version", r.dir, name, ErrNewer, what)
}
