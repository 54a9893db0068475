package run

import "errors"

// What is wrong with a run that cannot be read. The error names the file, and what to do.
var (
	// ErrIncomplete: the directory has no manifest, so the recording did not finish, or it is no
	// run at all.
	ErrIncomplete = errors.New("not a complete run")
	// ErrNewer: a later version of switchyard made it.
	ErrNewer = errors.New("made by a newer switchyard")
	// ErrDamaged: a file is not what was written.
	ErrDamaged = errors.New("damaged")
)
