package fork

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"switchyard/internal/testenv"
)

// The exec of a file with capabilities takes back that a process dies with its parent, and yet no
// child outlives a server that is killed.
func TestExecOfAFileWithCapabilities(t *testing.T) {
	testenv.Check(t)
	cmd := testenv.Program(t, "serve", "fork/exec")
	testenv.Capable(t, cmd)
	p := startServing(t, cmd)
	c := p.dial()
	c.get("/", "one")
	children := childrenOf(cmd.Process.Pid)
	if len(children) != 1 {
		t.Fatalf("children %v, want one", children)
	}
	cmd.Process.Kill()
	cmd.Wait()
	testenv.Eventually(t, "the child dies with the server", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(children[0]) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}
