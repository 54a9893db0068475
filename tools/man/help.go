package main

import (
	"fmt"
	"strings"
)

// A help is what --help says of a command.
type help struct {
	description []string // paragraphs
	usage       string
	commands    []item
	flags       []item
	inherited   []item // flags of every command
	examples    []string
}

// An item is a command or a flag, and what it is or does. A flag's name has its short form and its
// value.
type item struct{ name, text string }

// parse takes apart what --help prints.
func parse(text string) (h help, err error) {
	description, rest, ok := strings.Cut(text, "\nUsage:\n")
	if !ok {
		return h, fmt.Errorf("it has no usage")
	}
	h.description = strings.Split(strings.TrimSpace(description), "\n\n")
	section := "Usage"
	for line := range strings.Lines(rest) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			section = ""
			continue
		}
		if section == "" {
			title, ok := strings.CutSuffix(line, ":")
			if !ok {
				return h, fmt.Errorf("%q is no title", line)
			}
			section = title
			continue
		}
		switch section {
		case "Usage":
			h.usage = strings.TrimSpace(line)
		case "Commands":
			err = addItem(&h.commands, line, false)
		case "Flags":
			err = addItem(&h.flags, line, true)
		case "Flags of every command":
			err = addItem(&h.inherited, line, true)
		case "Examples":
			h.examples = append(h.examples, strings.TrimPrefix(line, "  "))
		default:
			err = fmt.Errorf("a section %q is not known", section)
		}
		if err != nil {
			return h, err
		}
	}
	switch {
	case h.usage == "":
		return h, fmt.Errorf("it has no usage")
	case len(h.examples) == 0:
		return h, fmt.Errorf("it has no examples")
	}
	return h, nil
}

// addItem adds a line of a list: a name, at least two spaces, and text; or more text of the flag
// before.
func addItem(list *[]item, line string, flag bool) error {
	trimmed := strings.TrimSpace(line)
	name, text, ok := strings.Cut(trimmed, "  ")
	switch {
	case flag && !strings.HasPrefix(trimmed, "-") && len(*list) > 0:
		(*list)[len(*list)-1].text += " " + trimmed
	case !ok || flag && !strings.HasPrefix(trimmed, "-"):
		return fmt.Errorf("%q is no name and a text", line)
	default:
		*list = append(*list, item{name, strings.TrimSpace(text)})
	}
	return nil
}
