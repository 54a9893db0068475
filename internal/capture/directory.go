package capture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"switchyard/internal/record"
	"switchyard/internal/run"
	"switchyard/internal/words"
)

// A directory is where a recording goes: Recording.Out, or one that is removed when its report is
// made.
type directory struct {
	*record.Directory
	out   string // Recording.Out
	temp  string // the directory that is ours alone
	begun bool   // the spool holds something
}

// directory makes it. What is wrong with it is found now, not when there is something to lose.
func (r *Recording) directory() (d *directory, err error) {
	d = &directory{out: r.Out}
	if r.Out == "" {
		if d.temp, err = os.MkdirTemp("", "switchyard-"); err != nil {
			return nil, err
		}
		if d.Directory, err = record.Create(d.temp, nil); err != nil {
			return nil, errors.Join(err, os.Remove(d.temp))
		}
		return d, nil
	}
	if err = run.MakeDirectory(filepath.Dir(filepath.Clean(r.Out)), r.Own); err == nil {
		d.Directory, err = record.Create(r.Out, r.Own)
	}
	if err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	return d, nil
}

// end leaves of the directory what is worth keeping.
func (d *directory) end() {
	if d.begun {
		d.Close()
	} else {
		d.Discard()
	}
	if d.temp != "" {
		os.RemoveAll(d.temp)
	}
}

// kept adds to an error what is to be done about a recording that has begun.
func (d *directory) kept(err error) error {
	if d.out == "" && errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%w (without --out a recording goes to %s: name a directory with more "+
			"room, or set TMPDIR)", err, os.TempDir())
	}
	if d.out == "" || !d.begun {
		return err
	}
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%w (what was written is kept: make room, then: switchyard recover %s)",
			err, words.Shell(d.out))
	}
	return fmt.Errorf("%w (the recording is kept: switchyard recover %s)", err,
		words.Shell(d.out))
}

// writing is what somebody is told who interrupts the writing of the tables.
func (d *directory) writing() string {
	if d.out == "" {
		return "interrupted: the result of the trace is still being made"
	}
	return fmt.Sprintf("interrupted: the tables of the recording are still being written "+
		"(after kill -9: switchyard recover %s)", words.Shell(d.out))
}
