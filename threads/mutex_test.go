package threads

import (
	"fmt"
	"testing"

	"switchyard/internal/sys"
	"switchyard/internal/testenv"
)

func TestMutex(t *testing.T) {
	testenv.Check(t)
	const threads, turns = 8, 5000
	var mu mutex
	var n int // the race detector watches it
	var all []<-chan struct{}
	for i := range threads {
		all = append(all, sys.Thread(fmt.Sprintf("sy-test/%d", i), func() {
			for range turns {
				mu.lock()
				n++
				mu.unlock()
			}
		}))
	}
	for _, done := range all {
		<-done
	}
	if n != threads*turns {
		t.Errorf("counted %d, want %d", n, threads*turns)
	}
	if w := mu.word.Load(); w != free {
		t.Errorf("the lock is left in state %d", w)
	}
}
