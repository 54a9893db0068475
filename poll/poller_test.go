package poll

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
	"switchyard/internal/testenv"
)

func pollers() map[string]poller {
	return map[string]poller{
		"select": &selecting{},
		"poll":   &polling{},
		"epoll":  &epolling{read: unix.EPOLLIN, write: unix.EPOLLOUT, listen: unix.EPOLLIN},
	}
}

// Every poller tells of what is ready by the ids it was given, and of nothing else, whatever came
// and went before.
func TestPollers(t *testing.T) {
	for name, p := range pollers() {
		t.Run(name, func(t *testing.T) {
			testenv.Check(t)
			if err := p.open(); err != nil {
				t.Fatal(err)
			}
			defer p.close()
			const n = 70 // beyond one word of a set and one page of a table
			var pairs [n][2]int
			for i := range pairs {
				pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|
					unix.SOCK_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				pairs[i] = pair
				if e := p.add(int32(i-ids), pair[0]); e != 0 {
					t.Fatal(e)
				}
			}
			gone := map[int]bool{}
			defer func() {
				for i, pair := range pairs {
					if !gone[i] {
						unix.Close(pair[0])
					}
					unix.Close(pair[1])
				}
			}()
			want := func(list ...int32) {
				t.Helper()
				ms := 1000
				if len(list) == 0 {
					ms = 0
				}
				got, e := p.wait(sys.LetGo, ms)
				got = slices.Clone(got)
				slices.Sort(got)
				if e != 0 || !slices.Equal(got, list) {
					t.Fatalf("ready: %v (%v), want %v", got, e, list)
				}
			}
			say := func(id int) { unix.Write(pairs[id+ids][1], []byte{1}) }
			want()
			say(wakeID)
			say(3)
			say(67)
			want(wakeID, 3, 67)
			p.turn(3, pairs[3+ids][0], true)
			p.turn(4, pairs[4+ids][0], true)
			want(wakeID, 3, 4, 67) // both can be written
			p.turn(4, pairs[4+ids][0], false)
			want(wakeID, 3, 67)
			for _, id := range []int{67, 3, 0} { // the last, the middle, one that is silent
				p.remove(int32(id), pairs[id+ids][0])
				unix.Close(pairs[id+ids][0])
				gone[id+ids] = true
			}
			say(66)
			say(1)
			want(wakeID, 1, 66)
			p.remove(wakeID, pairs[wakeID+ids][0])
			want(1, 66)
		})
	}
}
