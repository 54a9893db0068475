package proc

import (
	"math"
	"strings"
	"testing"
)

func TestTaskRoom(t *testing.T) {
	room, limit := TaskRoom()
	if room <= 0 || room == math.MaxInt32 || limit == "" {
		t.Errorf("room for %d, %s", room, limit)
	}
	err := RoomForTasks(math.MaxInt32)
	if err == nil || !strings.Contains(err.Error(), limit) {
		t.Errorf("room for all: %v, want an error that names %s", err, limit)
	}
}
