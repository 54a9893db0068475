package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"switchyard/internal/testenv"
)

// TestCompareOutOfAnother keeps a result, as root, in a directory of another user, below one that
// is closed to others: where root without capabilities, which it has given up by the end, could not
// write. What was made is the other user's, and what was there keeps its owner.
func TestCompareOutOfAnother(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.Skip(t, "only root has directories of other users", func() error {
			dir := t.TempDir()
			return os.Chown(dir, os.Geteuid()+1, -1)
		})
	}
	const user = 65534
	home := filepath.Join(t.TempDir(), "home")
	theirs, roots := filepath.Join(home, "theirs"), filepath.Join(home, "roots")
	for _, dir := range []string{home, theirs, roots} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chown(home, user, user), os.Chown(theirs, user, user)); err != nil {
		t.Fatal(err)
	}
	for out, owners := range map[string]map[string]uint32{
		theirs: {theirs: user},
		roots:  {roots: 0},
		filepath.Join(home, "new", "below"): {filepath.Join(home, "new"): user,
			filepath.Join(home, "new", "below"): user},
	} {
		args := append([]string{"compare", "poll/epoll", "--out", out, "-q"}, quick...)
		cmd := testenv.Program(t, "switchyard-again", args...)
		cmd.Env = append(cmd.Env, "SUDO_UID=65534", "SUDO_GID=65534")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil || stderr.Len() > 0 {
			t.Errorf("%s: %v: %s", out, err, stderr.String())
		}
		for _, name := range []string{"manifest.json", "rounds.jsonl"} {
			owners[filepath.Join(out, name)] = user
		}
		for path, want := range owners {
			info, err := os.Stat(path)
			if err != nil {
				t.Error(err)
				continue
			}
			if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
				t.Errorf("%s is of user %d, want %d", strings.TrimPrefix(path, home), got, want)
			}
			if info.Size() == 0 {
				t.Errorf("%s is empty", path)
			}
		}
	}
}
