package conformance

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"switchyard"
	"switchyard/internal/testenv"
)

// taskNames: while a connection is served, the tasks of its server say what they are.
func taskNames(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	c := s.dial()
	c.send(getRoot)
	c.wantRoot()
	if m.Unnamed {
		if names := testenv.Threads(); len(names) > 0 {
			t.Errorf("threads with names %v", names)
		}
		return
	}
	var names []string
	testenv.Eventually(t, "every process of the server, or a thread of it, is named sy-…",
		func() bool {
			names = testenv.Threads()
			children := testenv.Children()
			for _, pid := range children {
				comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
				if err != nil {
					return false
				}
				name := strings.TrimSpace(string(comm))
				if !strings.HasPrefix(name, "sy-") {
					return false
				}
				names = append(names, name)
			}
			if m.Isolated && len(children) == 0 {
				return false
			}
			return len(names) > 0
		})
	for _, name := range names {
		if !strings.HasPrefix(name, "sy-") {
			t.Errorf("task %q", name)
		}
	}
	t.Logf("%v", names)
}
