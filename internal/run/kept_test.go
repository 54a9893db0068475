package run

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard/trace/event"
)

// names lists a directory.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// A directory is a run or not there; one that was there keeps what it had.
func TestAllOrNothing(t *testing.T) {
	for name, test := range map[string]struct {
		use   func(w *Writer) error // returns what Commit should fail with
		wants string
	}{
		"closed": {func(w *Writer) error { return nil }, ""},
		"no such task": {func(w *Writer) error {
			w.Event(&event.Event{Kind: event.Exit, Task: 3})
			return w.Commit(someManifest())
		}, "task 3"},
		"no such parent": {func(w *Writer) error {
			w.Tasks([]event.Task{{Parent: 1}})
			return w.Commit(someManifest())
		}, "parent of task 0"},
		"bad load": {func(w *Writer) error {
			w.Load([]byte("{"))
			return w.Commit(someManifest())
		}, loadName},
		"bad snapshot": {func(w *Writer) error {
			w.Snapshots(nil, []event.Snapshot{{Task: 5}})
			return w.Commit(someManifest())
		}, "snapshot of task 5"},
		"bad interval": {func(w *Writer) error {
			w.Lost([]event.Lost{{First: 2, Last: 1}})
			return w.Commit(someManifest())
		}, "no interval"},
		"bad window": {func(w *Writer) error {
			m := someManifest()
			m.Window.Close = 0
			return w.Commit(m)
		}, "window"},
		"name taken": {func(w *Writer) error {
			// A directory cannot be replaced by a file: the renaming fails half-way.
			if err := w.parts.root.Mkdir(tasksName, 0o700); err != nil {
				return err
			}
			defer w.parts.root.Remove(tasksName)
			err := w.commit(someManifest())
			w.parts.root.Remove(tasksName)
			w.Close()
			return err
		}, tasksName},
	} {
		for _, there := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "run")
				if there {
					if err := os.Mkdir(dir, 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(dir, "spool"), nil, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				w, err := Create(dir, nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := Open(dir); !errors.Is(err, ErrIncomplete) ||
					!strings.Contains(err.Error(), "switchyard recover "+dir) {
					t.Errorf("opened before it was complete: %v", err)
				}
				for _, n := range names(t, dir) {
					if n != "spool" && !strings.HasPrefix(n, ".") {
						t.Errorf("%s is in sight", n)
					}
				}
				err = test.use(w)
				if test.wants == "" && err != nil || test.wants != "" &&
					(err == nil || !strings.Contains(err.Error(), test.wants)) {
					t.Errorf("error %v, want one with %q", err, test.wants)
				}
				w.Close()
				if !there {
					if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%v is left, %v", names(t, dir), err)
					}
				} else if left := names(t, dir); !slices.Equal(left, []string{"spool"}) {
					t.Errorf("%v is left", left)
				}
				if err := w.Commit(someManifest()); !errors.Is(err, os.ErrClosed) {
					t.Errorf("commit after close: %v", err)
				}
			})
		}
	}
}

// Files are their owner's alone, and are handed over while they are empty.
func TestOwner(t *testing.T) {
	umask := unix.Umask(0)
	defer unix.Umask(umask)
	dir := filepath.Join(t.TempDir(), "run")
	var handed []string
	w, err := Create(dir, func(f *os.File) {
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		want := fs.FileMode(0o600)
		if info.IsDir() {
			want = fs.ModeDir | 0o700
		} else if info.Size() != 0 {
			t.Errorf("%s has %d bytes when it is handed over", f.Name(), info.Size())
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", f.Name(), info.Mode(), want)
		}
		if os.Geteuid() == 0 {
			if err := f.Chown(1234, 5678); err != nil {
				t.Error(err)
			}
		}
		handed = append(handed, filepath.Base(f.Name()))
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.Load([]byte("{}"))
	if err := w.Commit(someManifest()); err != nil {
		t.Fatal(err)
	}
	if len(handed) != 7 {
		t.Errorf("handed over: %v", handed)
	}
	list := names(t, dir)
	if want := []string{eventsName, loadName, lostName, ManifestName, snapshotsName,
		tasksName}; !slices.Equal(list, want) {
		t.Errorf("files %v, want %v", list, want)
	}
	for _, n := range append(list, ".") {
		var st unix.Stat_t
		if err := unix.Stat(filepath.Join(dir, n), &st); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 && (st.Uid != 1234 || st.Gid != 5678) {
			t.Errorf("%s belongs to %d:%d", n, st.Uid, st.Gid)
		}
		if st.Mode&0o077 != 0 {
			t.Errorf("%s has mode %o", n, st.Mode)
		}
	}
}

// A link that somebody put in the way is not followed.
func TestLinks(t *testing.T) {
	parent := t.TempDir()
	elsewhere := filepath.Join(parent, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(parent, "link")
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(link, nil); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("created through a link: %v", err)
	}
	// Hidden names are known beforehand: what lies there is removed, and not what it points to.
	victim := filepath.Join(parent, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "run")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{eventsName, tasksName, ManifestName} {
		if err := os.Symlink(victim, filepath.Join(dir, hidden(name))); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, nil, nil)
	if data, err := os.ReadFile(victim); err != nil || string(data) != "precious" {
		t.Errorf("the file behind the link is %q, %v", data, err)
	}
	if _, err := Create(dir, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created over a run: %v", err)
	}
	if err := read(dir); err != nil {
		t.Errorf("the run that was there: %v", err)
	}
}

// A Writer that was killed is in the way of no other; files of others are.
func TestAfterKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, nil, nil)
	put := func(from, to string) {
		t.Helper()
		if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}

	// Killed while it gave out names: the last ones are still hidden.
	put(ManifestName, hidden(ManifestName))
	put(lostName, hidden(lostName))
	events := newStream(1, 2, 3, false).events(100)
	write(t, dir, events, newStream(1, 2, 3, false).table())
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sameEvents(t, r, events)
	for _, n := range names(t, dir) {
		if strings.HasPrefix(n, ".") {
			t.Errorf("%s is left", n)
		}
	}

	// Somebody's own table.
	if err := os.Remove(filepath.Join(dir, ManifestName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, nil); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(),
		eventsName) {
		t.Errorf("created over %s: %v", eventsName, err)
	}
	if len(names(t, dir)) != 4 {
		t.Errorf("%v are left", names(t, dir))
	}
}
