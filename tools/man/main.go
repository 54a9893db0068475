// Man writes a manual page for each command of a program, from what `COMMAND --help` prints. make
// man runs it.
//
//	go run ./tools/man PROGRAM DIR
//
// The writer that comes with cobra (cobra/doc) is not behind it. It takes a command's text for
// Markdown, so that the pattern '*/epoll*' comes out as /epoll in italics; it needs the commands
// themselves, which only the program has: 0.4 MB and 0.3 ms of each start; and it brings
// russross/blackfriday, whose last release is of 2020.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: man PROGRAM DIR")
		os.Exit(2)
	}
	if err := writeAll(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintf(os.Stderr, "man: write manual pages: %v\n", err)
		os.Exit(1)
	}
}

// writeAll writes the pages of a program and of all its commands into a directory, which it makes.
func writeAll(program, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return write(program, dir, []string{filepath.Base(program)},
		"server designs side by side, traced from the kernel")
}

// write writes the page of a command, which is the program's name and those of commands, and the
// pages of those below it.
func write(program, dir string, command []string, short string) error {
	text, err := exec.Command(program, append(command[1:len(command):len(command)],
		"--help")...).Output()
	if err != nil {
		var ended *exec.ExitError
		if errors.As(err, &ended) {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(ended.Stderr)))
		}
		return fmt.Errorf("%s --help: %w", strings.Join(command, " "), err)
	}
	h, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("%s --help: %w", strings.Join(command, " "), err)
	}
	name := strings.Join(command, "-")
	if err := os.WriteFile(filepath.Join(dir, name+".1"), h.page(name, short), 0o644); err != nil {
		return err
	}
	for _, c := range h.commands {
		if err := write(program, dir, append(command[:len(command):len(command)], c.name),
			c.text); err != nil {
			return err
		}
	}
	return nil
}
