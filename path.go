package switchyard

import (
	"errors"
	"fmt"
	"strings"
)

// CheckPath says what a server of any model would refuse of a path and its query, and why, or nil.
// It asks the parser that a server has, and does nothing of what the path asks for.
func CheckPath(path string) error {
	if !strings.HasPrefix(path, "/") {
		return errors.New("want a path that begins with /")
	}
	if most := MaxLine - len("GET  HTTP/1.1\r"); len(path) > most {
		return fmt.Errorf("%d bytes are too long: at most %d", len(path), most)
	}
	var c Conn
	c.takeTarget([]byte(path))
	switch c.status {
	case 0:
		return nil
	case 404:
		return errors.New("there is no such path: want /, /bytes?n=N, /work?us=N, /sleep?ms=N " +
			"or /crash")
	}
	name, _, _ := strings.Cut(path, "?")
	for _, p := range []struct {
		name, number string
		most         int
	}{{"/bytes", "n", MaxReply}, {"/work", "us", MaxWork}, {"/sleep", "ms", MaxSleep}} {
		if name == p.name {
			return fmt.Errorf("want %s?%s=N, with N from 0 to %d", p.name, p.number, p.most)
		}
	}
	return errors.New("a path has neither blanks nor other characters than those of ASCII")
}
