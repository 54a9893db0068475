package fork

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"switchyard"
)

// childName is the program that is started for a connection, where it stands beside the executable.
const childName = "switchyard-child"

// self is the running program's file, even if it has been removed since.
const self = "/proc/self/exe"

// An execProgram is what a server of fork/exec starts for a connection.
type execProgram struct {
	path string // of a descriptor's, that the name may be given to another file since
	fd   int    // that descriptor; -1 if path is self
	name string
	why  error // why it is not childName
}

// findExecProgram looks for childName beside the executable, and takes the executable itself where
// that is missing, is of another build, or could have been put there by somebody who could not have
// put the executable there.
func findExecProgram() execProgram {
	exe, err := os.Readlink(self)
	if err != nil {
		return execProgram{self, -1, "the program itself", err}
	}
	name := filepath.Base(strings.TrimSuffix(exe, " (deleted)"))
	p, err := openChild(filepath.Join(filepath.Dir(exe), childName))
	if err != nil {
		return execProgram{self, -1, name, err}
	}
	return p
}

func openChild(file string) (p execProgram, err error) {
	fd, err := unix.Open(file, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return p, errors.New("no " + childName + " stands beside it")
	}
	if err != nil {
		return p, &os.PathError{Op: "open", Path: file, Err: err}
	}
	p = execProgram{fmt.Sprintf("/proc/self/fd/%d", fd), fd, childName, nil}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	var ours, its unix.Stat_t
	if err := unix.Stat(self, &ours); err != nil {
		return p, err
	}
	if err := unix.Fstat(fd, &its); err != nil {
		return p, err
	}
	const othersWrite = 0o022
	switch {
	case its.Mode&unix.S_IFMT != unix.S_IFREG:
		return p, fmt.Errorf("%s beside it is no file", childName)
	case its.Uid != ours.Uid && its.Uid != 0, its.Gid != ours.Gid && its.Mode&0o020 != 0,
		its.Mode&^ours.Mode&othersWrite != 0:
		return p, fmt.Errorf("others may write %s than may write the program", childName)
	}
	build, err := askBuild(p.path)
	if err != nil {
		return p, fmt.Errorf("%s beside it does not run: %w", childName, err)
	}
	if build != thisBuild() {
		return p, fmt.Errorf("%s beside it is of another build", childName)
	}
	return p, nil
}

// close gives the descriptor back.
func (p execProgram) close() {
	if p.fd >= 0 {
		unix.Close(p.fd)
	}
}

// askBuild runs a program and returns what it says of its build.
func askBuild(path string) (string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	child, err := os.StartProcess(path, []string{execName, buildWord},
		&os.ProcAttr{Env: execEnv, Files: []*os.File{nil, w, nil}})
	w.Close()
	if err != nil {
		return "", err
	}
	r.SetReadDeadline(time.Now().Add(5 * time.Second)) // it takes 2 ms
	said, err := io.ReadAll(io.LimitReader(r, 1<<12))
	if err != nil {
		child.Kill()
	}
	_, errWait := child.Wait()
	return string(said), errors.Join(err, errWait)
}

// buildWord is the argument with which a program that begins like a child says of what build it is.
const buildWord = "build"

// execEnv is the environment of what is started. It serves one connection: it needs no collector
// and no more than one processor, whatever its control group allows, and starts sooner without.
var execEnv = []string{"GOGC=off", "GOMAXPROCS=1", "GODEBUG=containermaxprocs=0"}

// thisBuild says what a server and what it starts must have in common: the sources, and with them
// the layout of the board.
func thisBuild() string {
	s := fmt.Sprintf("%s %x %d %d %d %d", childName, boardMagic, boardSize, slotSize,
		switchyard.InSize, switchyard.OutSize)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return s
	}
	s += " " + info.GoVersion
	for _, set := range info.Settings {
		if strings.HasPrefix(set.Key, "vcs.") {
			s += " " + set.Key + "=" + set.Value
		}
	}
	return s
}
