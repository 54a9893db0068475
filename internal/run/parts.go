package run

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// Parts are the files of a directory that is being made. Each has a hidden name until all of them
// are written: a directory in which the last one has its name is complete. It is not safe for
// concurrent use.
type Parts struct {
	root  *os.Root
	own   func(*os.File)
	files []*Part
	kept  bool
}

// NewParts begins the files of a directory, which stays the caller's to close. Each is given to
// own, which may give it to the user it is for; nil keeps the process's own.
func NewParts(root *os.Root, own func(*os.File)) (*Parts, error) {
	if own == nil {
		own = func(*os.File) {}
	}
	r, err := root.OpenRoot(".")
	if err != nil {
		return nil, err
	}
	return &Parts{root: r, own: own}, nil
}

// A Part is a file that does not have its name yet. It is written to through a buffer.
type Part struct {
	name    string
	file    *os.File
	buffer  *bufio.Writer
	renamed bool
}

// hidden is what a file is called until it is complete.
func hidden(name string) string { return "." + name + ".part" }

// Create begins a file that only its owner can read. What was left under its hidden name, by
// whoever was killed, goes.
func (p *Parts) Create(name string) (*Part, error) {
	if err := p.root.Remove(hidden(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := p.root.OpenFile(hidden(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL|
		unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	p.own(f)
	part := &Part{name: name, file: f, buffer: bufio.NewWriterSize(f, 256<<10)}
	p.files = append(p.files, part)
	return part, nil
}

// WriteFile creates a file with all that is in it.
func (p *Parts) WriteFile(name string, data []byte) error {
	part, err := p.Create(name)
	if err != nil {
		return err
	}
	if _, err := part.Write(data); err != nil {
		return err
	}
	_, err = part.Finish()
	return err
}

// Write appends to the file.
func (p *Part) Write(data []byte) (int, error) { return p.buffer.Write(data) }

// Finish makes sure that the file is on the disk, and returns its length.
func (p *Part) Finish() (int64, error) {
	if err := p.buffer.Flush(); err != nil {
		return 0, err
	}
	if err := p.file.Sync(); err != nil {
		return 0, err
	}
	info, err := p.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), p.file.Close()
}

// Commit gives the files, all of which are finished, their names, in the order in which they were
// created.
func (p *Parts) Commit() error {
	for _, f := range p.files {
		if err := p.root.Rename(hidden(f.name), f.name); err != nil {
			return err
		}
		f.renamed = true
	}
	d, err := p.root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return err
	}
	p.kept = true
	return nil
}

// Close releases what is open and, without a Commit that succeeded, removes the files. It reports
// whether they are kept.
func (p *Parts) Close() (kept bool) {
	if !p.kept {
		for _, f := range p.files {
			f.file.Close()
			name := hidden(f.name)
			if f.renamed {
				name = f.name
			}
			p.root.Remove(name)
		}
		p.files = nil
	}
	p.root.Close()
	return p.kept
}

// OpenDirectory opens a directory that is no symbolic link: a link in a place where others write
// could lead root anywhere.
func OpenDirectory(dir string) (*os.Root, error) {
	root, err := sys.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	here, err := root.Stat(".")
	if err == nil {
		var named fs.FileInfo
		if named, err = os.Lstat(dir); err == nil && !os.SameFile(here, named) {
			err = fmt.Errorf("begin a run in %s: it is a symbolic link: name the directory itself",
				dir)
		}
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}
