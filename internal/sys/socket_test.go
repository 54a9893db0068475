package sys

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestListenOnAZone(t *testing.T) {
	fd, bound, err := Listen("[::1%lo]:0", ListenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer Close(fd)
	if got := bound.String(); !strings.HasPrefix(got, "[::1%lo]:") {
		t.Errorf("bound to %s", got)
	}
	for _, zone := range []string{"nowhere", "a-name-no-interface-can-have"} {
		fd, _, err = Listen("[fe80::1%"+zone+"]:0", ListenConfig{})
		if err == nil {
			Close(fd)
		}
		if !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), `no interface "`+
			zone+`"`) {
			t.Errorf("a zone that does not exist: %v", err)
		}
	}
}

func TestListenWithoutDescriptors(t *testing.T) {
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	_, _, err := Listen("127.0.0.1:0", ListenConfig{})
	if err == nil || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("no remedy: %v", err)
	}
}
