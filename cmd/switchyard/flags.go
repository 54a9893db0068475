package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"switchyard/internal/load"
	"switchyard/internal/nearest"
)

// A choice is the value of a flag that takes one of a few words.
type choice struct {
	value   string
	allowed []string
}

// choiceFlag adds a flag that takes one of the allowed words, the first unless told, and has the
// shell complete them.
func choiceFlag(cmd *cobra.Command, name, usage string, allowed ...string) *string {
	c := &choice{value: allowed[0], allowed: allowed}
	cmd.Flags().Var(c, name, usage)
	// It fails only for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc(name,
		cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp))
	return &c.value
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.allowed, "|") }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		last := len(c.allowed) - 1
		return fmt.Errorf("want %s or %s", strings.Join(c.allowed[:last], ", "), c.allowed[last])
	}
	c.value = s
	return nil
}

// A descriptor is the value of a flag that takes an inherited one; -1 is none.
type descriptor int

// descriptorFlag adds a flag that takes a descriptor.
func descriptorFlag(cmd *cobra.Command, p *int, name, usage string) {
	*p = -1
	cmd.Flags().Var((*descriptor)(p), name, usage)
}

func (d *descriptor) Type() string { return "fd" }

func (d *descriptor) String() string {
	if *d < 0 {
		return ""
	}
	return strconv.Itoa(int(*d))
}

func (d *descriptor) Set(s string) error {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return errors.New("want the number of an open descriptor, such as 3")
	}
	*d = descriptor(n)
	return nil
}

// longest bounds every duration that can be asked for.
const longest = load.MaxTime

// wants says what a flag of one of pflag's types takes.
var wants = map[string]string{
	"int":      "a whole number",
	"uint64":   "a whole number, 0 or more",
	"float64":  "a number",
	"duration": "a duration, such as 500ms, 10s or 2m",
	"bool":     "true or false",
}

// flagError turns what the flag parser says into one line in the words of the rest of the program.
func flagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		invalid *pflag.InvalidValueError
		missing *pflag.ValueRequiredError
		syntax  *pflag.InvalidSyntaxError
	)
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			return usagef("unknown flag %q (%s --help lists the flags)", "-"+name,
				cmd.CommandPath())
		}
		near := nearestFlags(cmd, name)
		if len(near) == 0 {
			return usagef("unknown flag %q (%s --help lists the flags)", "--"+name,
				cmd.CommandPath())
		}
		return usagef("unknown flag %q%s", "--"+name, nearest.DidYouMean(near))
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		want, ok := wants[f.Value.Type()]
		if ok {
			want = "want " + want
		} else {
			want = invalid.Unwrap().Error()
		}
		return usagef("--%s %q: %s", f.Name, invalid.GetValue(), want)
	case errors.As(err, &missing):
		f := missing.GetFlag()
		want, ok := wants[f.Value.Type()]
		if !ok {
			name, _ := pflag.UnquoteUsage(f)
			want = "--" + f.Name + " " + name
		}
		return usagef("--%s: its value is missing: want %s", f.Name, want)
	case errors.As(err, &syntax):
		return usagef("flag %q: bad syntax (%s --help lists the flags)", syntax.GetSpecifiedFlag(),
			cmd.CommandPath())
	}
	return usagef("%v", err)
}

// flagged makes an error for something that was asked wrongly of what a library says, which calls a
// value by the name of its flag, without dashes.
func flagged(cmd *cobra.Command, err error) error {
	name, _, _ := strings.Cut(err.Error(), " ")
	if cmd.Flags().Lookup(name) != nil {
		return usagef("--%v", err)
	}
	return usagef("%v", err)
}

// nearestFlags lists the flags of cmd that name may have meant, as cobra judges nearness for
// commands: each flag stands in as a command.
func nearestFlags(cmd *cobra.Command, name string) []string {
	stand := &cobra.Command{SuggestionsMinimumDistance: 2}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			stand.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		}
	})
	near := stand.SuggestionsFor(name)
	for i := range near {
		near[i] = "--" + near[i]
	}
	return near
}

// noArgs refuses any argument.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument, but %q was given (%s --help shows examples)",
			cmd.Name(), args[0], cmd.CommandPath())
	}
	return nil
}

// oneArg asks for one argument, a what.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usagef("%s needs %s (%s --help shows examples)", cmd.Name(), what,
				cmd.CommandPath())
		case len(args) > 1:
			return usagef("%s takes one argument, %s, but %q was given too", cmd.Name(),
				what, args[1])
		}
		return nil
	}
}
