package sys_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"switchyard/internal/sys"
	"switchyard/internal/testenv"
)

func TestMain(m *testing.M) {
	if os.Getenv("SWITCHYARD_TEST_CLOCKS") != "" {
		fmt.Println(sys.Boottime(), sys.Monotonic())
		return
	}
	os.Exit(m.Run())
}

// In a time namespace the clocks read what they read outside of it.
func TestClocksInTimeNamespace(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		testenv.Skip(t, "no unshare(1)", func() error {
			_, err := exec.LookPath("unshare")
			return err
		})
	}
	able := func() error {
		out, err := exec.Command(unshare, "--time", "--boottime", "1", "--fork",
			"true").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	if err := able(); err != nil {
		testenv.Skip(t, err.Error(), able)
	}
	for _, args := range [][]string{{"--boottime", "100000"}, {"--monotonic", "7000", "--boottime",
		"5000"}} {
		cmd := exec.Command(unshare, append(append([]string{"--time"}, args...), "--fork", self)...)
		cmd.Env = append(os.Environ(), "SWITCHYARD_TEST_CLOCKS=1")
		before := [2]int64{sys.Boottime(), sys.Monotonic()}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		after := [2]int64{sys.Boottime(), sys.Monotonic()}
		fields := strings.Fields(string(out))
		if len(fields) != 2 {
			t.Fatalf("%q", out)
		}
		for i, f := range fields {
			n, err := strconv.ParseInt(f, 10, 64)
			if err != nil || n < before[i] || n > after[i] {
				t.Errorf("%v, clock %d: %v, want %v to %v (%v)", args, i, time.Duration(n),
					time.Duration(before[i]), time.Duration(after[i]), err)
			}
		}
	}
}
