package compare

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"switchyard/trace/event"
)

// The sum over a model's rounds is not known if one round's is not.
func TestThrottledInRounds(t *testing.T) {
	one := func() *event.Throttling {
		return &event.Throttling{Cgroups: []string{"/a"}, Read: 2, Times: 3, Time: time.Second}
	}
	two := &event.Throttling{Cgroups: []string{"/b", "/a"}, Read: 3, Times: 20, Time: time.Minute}
	unknown := errors.New("the moon")
	for name, c := range map[string]struct {
		rounds []*event.Throttling // nil: not known
		want   *event.Throttling
	}{
		"no round": {nil, nil},
		"one": {[]*event.Throttling{one()},
			&event.Throttling{Times: 3, Time: 1e9, Cgroups: []string{"/a"}, Read: 2}},
		"two": {[]*event.Throttling{one(), two},
			&event.Throttling{Times: 23, Time: 61e9, Cgroups: []string{"/a", "/b"}, Read: 3}},
		"not first": {[]*event.Throttling{nil, one()}, nil},
		"not last":  {[]*event.Throttling{one(), two, nil}, nil},
	} {
		row := &row{}
		for _, r := range c.rounds {
			if r == nil {
				row.addThrottling(nil, unknown)
			} else {
				row.addThrottling(r, nil)
			}
		}
		got := row.report("")
		if !reflect.DeepEqual(got.Throttled, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got.Throttled, c.want)
		}
		if len(c.rounds) > 0 && (got.Missing["throttled"] == "") != (c.want != nil) {
			t.Errorf("%s: %+v, missing %q", name, got.Throttled, got.Missing)
		}
	}
}
