package switchcost

import (
	"errors"
	"math/bits"
	"os"
	"strings"
	"testing"
	"time"

	"switchyard/internal/testenv"
)

// able is what measuring needs, asked of the system.
func able() error {
	if os.Geteuid() != 0 {
		return errors.New("not root")
	}
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	return err
}

// preemptibleRCU returns nil if the kernel has it: this is then a function.
func preemptibleRCU() error {
	symbols, err := os.ReadFile("/proc/kallsyms")
	if err == nil && !strings.Contains(string(symbols), " __rcu_read_unlock\n") {
		err = errors.New("no __rcu_read_unlock in /proc/kallsyms")
	}
	return err
}

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, nil)) }

// requestFlagsAnew finds out anew by which flags of a task the scheduler tells it to go. Of m, this
// is all that is of use thereafter: its probes keep their requests where this does.
func requestFlagsAnew(m *Meter) (uint64, error) {
	if err := closeLinks(m.first); err != nil {
		return 0, err
	}
	m.first = nil
	return m.requestFlags()
}

// TestRequestFlags: the flags that tell a task to go are the same ones each time they are looked
// for, one or two.
func TestRequestFlags(t *testing.T) {
	s, err := Open(Options{})
	if err != nil {
		testenv.Skip(t, err.Error(), able)
	}
	defer s.Close()
	if s.asked == byRequest {
		testenv.Skip(t, "not looked for: "+s.asked, preemptibleRCU)
	}
	var first uint64
	for i := range 5 {
		began := time.Now()
		flags, err := requestFlagsAnew(s)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%#x, in %v", flags, time.Since(began))
		if i == 0 {
			first = flags
		}
		if n := bits.OnesCount64(flags); flags != first || n < 1 || n > 2 {
			t.Errorf("flags %#x, at first %#x", flags, first)
		}
	}
}
