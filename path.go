package switchyard

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// CheckPath says what a server of any model would refuse of a path and its query, and why, and
// otherwise how long a request for it takes at least: /sleep and /work say so. It asks the parser
// that a server has, and does nothing of what the path asks for.
func CheckPath(path string) (least time.Duration, err error) {
	if !strings.HasPrefix(path, "/") {
		return 0, errors.New("want a path that begins with /")
	}
	if most := MaxLine - len("GET  HTTP/1.1\r"); len(path) > most {
		return 0, fmt.Errorf("%d bytes are too long: at most %d", len(path), most)
	}
	var c Conn
	c.takeTarget([]byte(path))
	switch {
	case c.status == 404:
		return 0, errors.New("there is no such path: want /, /bytes?n=N, /work?us=N, " +
			"/sleep?ms=N or /crash")
	case c.status == 0 && c.route == routeWork:
		return time.Duration(c.arg) * time.Microsecond, nil
	case c.status == 0 && c.route == routeSleep:
		return time.Duration(c.SleepNanos()), nil
	case c.status == 0:
		return 0, nil
	}
	name, _, _ := strings.Cut(path, "?")
	for _, p := range []struct {
		name, number string
		most         int
	}{{"/bytes", "n", MaxReply}, {"/work", "us", MaxWork}, {"/sleep", "ms", MaxSleep}} {
		if name == p.name {
			return 0, fmt.Errorf("want %s?%s=N, with N from 0 to %d", p.name, p.number, p.most)
		}
	}
	return 0, errors.New("a path has neither blanks nor other characters than those of ASCII")
}
