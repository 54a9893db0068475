package nearest

import (
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	known := []string{"poll/epoll", "poll/epoll-et", "poll/select", "threads/pool", "threads/pool-mutex"}
	for _, test := range []struct {
		name string
		want []string
	}{
		{"poll/epol", []string{"poll/epoll"}},
		{"epol", []string{"poll/epoll"}},
		{"EPOLL", []string{"poll/epoll"}},
		{"selct", []string{"poll/select"}},
		{"thread/pool-mutx", []string{"threads/pool-mutex"}},
		{"thread", []string{"threads/pool", "threads/pool-mutex"}},
	} {
		if got := Names(test.name, known, len(test.want)); !slices.Equal(got, test.want) {
			t.Errorf("nearest to %q: %q, want %q", test.name, got, test.want)
		}
	}
	for _, far := range []string{"", "x", "[", "nope", "po", "epoll/poll/select", "a/b"} {
		if got := Names(far, known, 100); len(got) != 0 {
			t.Errorf("nobody means %q by %q", got, far)
		}
	}
	if got := Names("thread", known, 100); len(got) != 2 {
		t.Errorf("all that are near: %q", got)
	}
	if got := Names("x", nil, 3); len(got) != 0 {
		t.Errorf("nearest of none: %q", got)
	}
}

func TestDidYouMean(t *testing.T) {
	for want, names := range map[string][]string{
		"": nil, ": did you mean a?": {"a"}, ": did you mean a or b?": {"a", "b"},
		": did you mean a, b or c?": {"a", "b", "c"},
	} {
		if got := DidYouMean(names); got != want {
			t.Errorf("%q: %q, want %q", names, got, want)
		}
	}
}
