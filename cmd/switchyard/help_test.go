package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// everyCommand lists the whole tree.
func everyCommand(root *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{root}
	for _, c := range root.Commands() {
		list = append(list, everyCommand(c)...)
	}
	return list
}

func TestHelpEndsInExamples(t *testing.T) {
	root := newRootCommand(Env{})
	all := everyCommand(root)
	if len(all) < 12 {
		t.Fatalf("%d commands: this test does not see them", len(all))
	}
	for _, c := range all {
		path := strings.Fields(c.CommandPath())[1:]
		o := runCommand(t, append(path, "--help")...)
		if o.code != exitDone || o.stderr != "" {
			t.Errorf("%q --help: exit code %d, standard error %q", path, o.code, o.stderr)
		}
		_, examples, ok := strings.Cut(o.stdout, "\nExamples:\n")
		if !ok || strings.TrimSpace(examples) == "" {
			t.Errorf("%q --help does not end in examples:\n%s", path, o.stdout)
		}
		for line := range strings.Lines(examples) {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%q --help: after the examples stands %q", path, line)
			}
		}
		if also := runCommand(t, append([]string{"help"}, path...)...); also != o {
			t.Errorf("help %q differs from --help:\n%s", path, also.stdout)
		}
		for line := range strings.Lines(o.stdout) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > helpWidth {
				t.Errorf("%q --help: %d columns: %q", path, n, line)
			}
			if strings.TrimRight(line, " \n")+"\n" != line {
				t.Errorf("%q --help: %q ends in blanks", path, line)
			}
		}
	}
}

func TestHelpOfTwoCommands(t *testing.T) {
	mustFail(t, exitUsage, []string{"help", "serve", "x"}, "help takes a command", `"x"`)
}

// The examples are commands that the program takes: their flags are there and
// have values that can be read.
func TestExamplesParse(t *testing.T) {
	checked := 0
	for _, c := range everyCommand(newRootCommand(Env{})) {
		for line := range strings.Lines(examples(c)) {
			_, args, ok := strings.Cut(" "+line, " switchyard ")
			if !ok {
				continue
			}
			args, _, _ = strings.Cut(args, " | ")
			args, _, _ = strings.Cut(args, " > ")
			args = strings.NewReplacer("'", "", ")", "").Replace(args)
			root := newRootCommand(Env{})
			of, rest, err := root.Find(strings.Fields(args))
			if err != nil {
				t.Errorf("example %q: %v", line, err)
				continue
			}
			if err := of.ParseFlags(rest); err != nil {
				t.Errorf("example %q: %v", line, err)
			}
			if of.Args != nil {
				if err := of.Args(of, of.Flags().Args()); err != nil {
					t.Errorf("example %q: %v", line, err)
				}
			}
			checked++
		}
	}
	if checked < 15 {
		t.Errorf("checked %d examples: this test does not see them", checked)
	}
}
