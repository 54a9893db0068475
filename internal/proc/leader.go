package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Leader returns the process that a thread belongs to, and the thread's name, which is data: a
// program may give itself any (proc_pid_status(5), Tgid and Name; /proc shows a thread's directory
// to whoever knows its number, and lists it nowhere). Of a process's first thread it is the process
// itself. The error wraps os.ErrNotExist if there is no such thread.
func Leader(tid int) (pid int, name string, err error) {
	path := "/proc/" + strconv.Itoa(tid) + "/status"
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, "", err
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSuffix(strings.TrimPrefix(value, "\t"), "\n")
		switch key {
		case "Name":
			name = value
		case "Tgid":
			if pid, err = strconv.Atoi(value); err == nil && pid > 0 {
				return pid, name, nil
			}
		}
	}
	return 0, "", fmt.Errorf("%s: it does not tell the process (Tgid)", path)
}
