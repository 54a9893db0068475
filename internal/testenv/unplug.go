package testenv

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"switchyard/internal/proc"
)

// A CPU is one that a test may take from the machine.
type CPU int

// UnplugVar is set where a test may do that: in a guest, which is the test's alone, or by whoever
// has a machine to himself. Who shares it would find his CPU gone, and what he had pinned to it
// elsewhere.
const UnplugVar = "SWITCHYARD_UNPLUG"

// Unpluggable is a CPU that the test may take offline and bring back. It is online again when the
// test has ended.
func Unpluggable(t testing.TB) CPU {
	t.Helper()
	c, err := unpluggable()
	if err != nil {
		Skip(t, "no CPU to take offline", func() error { _, err := unpluggable(); return err })
	}
	t.Cleanup(func() { c.Online(t) })
	return c
}

func unpluggable() (CPU, error) {
	if os.Getenv(UnplugVar) == "" && os.Getenv("SWITCHYARD_EMULATED") == "" {
		return 0, errors.New("it would be everybody's: " + UnplugVar + "=1 says that nobody minds")
	}
	online, err := proc.Here.Online()
	if err != nil {
		return 0, err
	}
	if len(online) < 2 {
		return 0, errors.New("one CPU is all there is")
	}
	c := CPU(online[len(online)-1])
	f, err := os.OpenFile(c.file(), os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	return c, f.Close()
}

func (c CPU) file() string { return fmt.Sprintf("/sys/devices/system/cpu/cpu%d/online", c) }

// Offline takes it from the machine. It is gone when this returns.
func (c CPU) Offline(t testing.TB) {
	t.Helper()
	c.write(t, "0")
}

// Online gives it back.
func (c CPU) Online(t testing.TB) {
	t.Helper()
	c.write(t, "1")
}

func (c CPU) write(t testing.TB, what string) {
	t.Helper()
	if err := os.WriteFile(c.file(), []byte(what), 0); err != nil {
		t.Fatal(err)
	}
}
