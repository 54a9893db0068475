package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"switchyard/internal/sys"
	"switchyard/internal/words"
)

// Files are those of a run directory of any kind, which may come from anybody.
type Files struct {
	dir  string // as errors call it
	root *os.Root
}

// OpenFiles opens a run directory of any kind. Close releases it.
func OpenFiles(dir string) (*Files, error) {
	root, err := sys.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("read run: %w", err)
	}
	return &Files{dir, root}, nil
}

// FilesIn is OpenFiles of a directory that is open, which stays the caller's to close.
func FilesIn(root *os.Root, dir string) (*Files, error) {
	r, err := root.OpenRoot(".")
	if err != nil {
		return nil, fmt.Errorf("read run: %w", err)
	}
	return &Files{dir, r}, nil
}

// Close releases the directory.
func (f *Files) Close() error { return f.root.Close() }

// OpenFile opens a file for reading, unless it is a pipe or something else that could make the
// reader wait, and returns its length.
func (f *Files) OpenFile(name string) (*os.File, int64, error) {
	file, err := sys.OpenRegularIn(f.root, name)
	if errors.Is(err, sys.ErrNotRegular) {
		return nil, 0, f.Damaged(name, errors.New("it is no regular file"))
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read run %s: %w", f.dir, err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// ReadFile reads a whole file of at most so many bytes.
func (f *Files) ReadFile(name string, most int64) ([]byte, error) {
	file, size, err := f.OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if size > most {
		return nil, f.Damaged(name, fmt.Errorf("%d bytes are more than it can have", size))
	}
	data, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return nil, fmt.Errorf("read run %s: %w", f.dir, err)
	}
	return data, nil
}

const maxManifest = 16 << 20

// ReadManifest reads the manifest and its schema, which comes first, since what a later version
// means by the rest is not known.
func (f *Files) ReadManifest() (schema string, manifest []byte, err error) {
	data, err := f.ReadFile(ManifestName, maxManifest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil, fmt.Errorf("read run %s: %w, there is no %s: it is no run, or a"+
			" recording that was interrupted, which `switchyard recover %s` completes",
			f.dir, ErrIncomplete, ManifestName, words.Shell(f.dir))
	case err != nil:
		return "", nil, err
	}
	schema, err = f.schema(data)
	return schema, data, err
}

func (f *Files) schema(manifest []byte) (string, error) {
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(manifest, &head); err != nil {
		return "", f.Damaged(ManifestName, err)
	}
	return head.Schema, nil
}

// Foreign says that a schema is not the one that is read: that of a later version, or of no run of
// this kind.
func (f *Files) Foreign(schema, want string) error {
	family, version, _ := strings.Cut(schema, "/")
	ours, number, _ := strings.Cut(want, "/")
	n, err := strconv.ParseUint(version, 10, 31)
	if known, _ := strconv.ParseUint(number, 10, 31); family == ours && err == nil && n > known {
		return f.Newer(ManifestName, "schema "+schema)
	}
	return f.Damaged(ManifestName, fmt.Errorf("its schema is %.40q and not %s", schema, want))
}

// Damaged says that a file of a run is not what was written, and how it shows.
func (f *Files) Damaged(name string, why error) error {
	return fmt.Errorf("read run %s: %s is %w: %w: copy the run again from where it was made, or record again",
		f.dir, name, ErrDamaged, why)
}

// Newer says that a run cannot be understood.
func (f *Files) Newer(name, what string) error {
	return fmt.Errorf("read run %s: %s was %w (%s): use that version", f.dir, name, ErrNewer, what)
}

// SameKind reports whether two schemas are of the same kind of run, whatever their numbers.
func SameKind(a, b string) bool {
	x, _, _ := strings.Cut(a, "/")
	y, _, _ := strings.Cut(b, "/")
	return x == y
}
