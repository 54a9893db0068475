package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"switchyard/internal/run"
	"switchyard/internal/sys"
	"switchyard/internal/words"
)

// SpoolName is what a recording is called in its directory until its tables are written.
const SpoolName = "spool"

// Directory is where a recording goes. It is held open from before the window until the tables are
// written: whatever becomes of its path meanwhile, everything goes to the same place.
type Directory struct {
	path  string
	own   func(*os.File)
	made  bool // the directory is ours
	root  *os.Root
	spool *os.File
}

// Create makes a directory that only its owner can read, or takes one that holds no run, and begins
// an empty spool in it. It refuses what the tables could not be written to, so that nobody learns
// of that after the window: a symbolic link, a directory in which the process may not write, one
// that holds a run or a spool.
//
// The directory, if it was made, and the spool are given to own, which may give them to the user
// they are for; nil keeps the process's own.
func Create(path string, own func(*os.File)) (_ *Directory, err error) {
	if own == nil {
		own = func(*os.File) {}
	}
	d := &Directory{path: path, own: own}
	switch err := os.Mkdir(path, 0o700); {
	case err == nil:
		d.made = true
	case !errors.Is(err, fs.ErrExist):
		return nil, err
	}
	defer func() {
		if err != nil {
			d.Discard()
		}
	}()
	if d.root, err = run.OpenDirectory(path); err != nil {
		return nil, err
	}
	if d.made {
		f, err := d.root.Open(".")
		if err != nil {
			return nil, err
		}
		own(f)
		f.Close()
	}
	if err := run.Vacant(d.root, path); err != nil {
		return nil, err
	}
	d.spool, err = d.root.OpenFile(SpoolName, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW,
		0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s holds a recording that was cut off: switchyard recover %s completes it",
			path, words.Shell(path))
	}
	if err != nil {
		return nil, err
	}
	own(d.spool)
	return d, d.lock()
}

// Open opens the directory of a recording that was cut off. The error wraps fs.ErrNotExist if there
// is no spool in it.
func Open(path string, own func(*os.File)) (_ *Directory, err error) {
	d := &Directory{path: path, own: own}
	if d.root, err = run.OpenDirectory(path); err != nil {
		return nil, err
	}
	if d.spool, err = sys.OpenRegularIn(d.root, SpoolName); err == nil {
		err = d.lock()
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// lock makes sure that nobody else makes tables of a spool that is still being written, or is being
// made tables of. The kernel gives the lock back when the process has ended, in whatever way.
func (d *Directory) lock() error {
	err := unix.Flock(int(d.spool.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("%s: the recording is still being made, or completed, by another process: wait for its end",
			d.path)
	}
	return nil // a file system without locks has none to tell of either
}

// Run opens the tables.
func (d *Directory) Run() (*run.Reader, error) { return run.OpenIn(d.root, d.path) }

// Spool is the file the recording goes to.
func (d *Directory) Spool() *os.File { return d.spool }

// Discard removes the spool, and the directory if Create made it: nothing was captured.
func (d *Directory) Discard() {
	if d.spool != nil {
		d.root.Remove(SpoolName)
	}
	d.Close()
	if d.made {
		os.Remove(d.path) // if there is nothing else in it
	}
}

// Close releases what is open. The files stay.
func (d *Directory) Close() error {
	var errs []error
	if d.spool != nil {
		errs = append(errs, d.spool.Close())
	}
	if d.root != nil {
		errs = append(errs, d.root.Close())
	}
	return errors.Join(errs...)
}
