package run

import (
	"errors"
	"testing"

	"switchyard/trace/event"
)

// A full disk takes so many bytes.
type fullDisk int

var errFull = errors.New("no space left")

func (f *fullDisk) Write(b []byte) (int, error) {
	if len(b) > int(*f) {
		return 0, errFull
	}
	*f -= fullDisk(len(b))
	return len(b), nil
}

// A write that fails ends the table with that error, wherever it comes.
func TestFullDisk(t *testing.T) {
	events := newStream(1, 2, 20, true).events(3000)
	whole := fullDisk(1 << 30)
	if err := encodeAll(&whole, events); err != nil {
		t.Fatal(err)
	}
	size := 1<<30 - int(whole)
	for _, room := range []int{0, 4, 100, 10_000, size - 9, size - 1} {
		disk := fullDisk(room)
		if err := encodeAll(&disk, events); !errors.Is(err, errFull) {
			t.Errorf("with room for %d of %d bytes: %v", room, size, err)
		}
	}
	exact := fullDisk(size)
	if err := encodeAll(&exact, events); err != nil || exact != 0 {
		t.Errorf("with room for all %d bytes: %v, %d left", size, err, exact)
	}
}

func encodeAll(disk *fullDisk, events []event.Event) error {
	e := newEventEncoder(disk)
	for i := range events {
		if err := e.event(&events[i]); err != nil {
			return err
		}
	}
	_, err := e.table.Close()
	return err
}
