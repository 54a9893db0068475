package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"switchyard/internal/nearest"
	"switchyard/internal/report"
	"switchyard/internal/sys"
)

// commands is every command there is, in the order in which help lists them.
var commands = []func(Env) *cobra.Command{
	newCompareCommand,
	newServeCommand,
	newLoadCommand,
	newTraceCommand,
	newReportCommand,
	newRecoverCommand,
	newModelsCommand,
	newProbesCommand,
	newDoctorCommand,
	newVersionCommand,
}

// Main runs one command and returns its exit code.
func Main(env Env) int {
	err := run(env)
	if _, quiet := err.(exitStatus); err != nil && !quiet {
		env.say("switchyard: %s", report.Words(err))
	}
	return exitCode(err)
}

func run(env Env) error {
	// What comes later would end in a stack trace instead.
	if err := sys.StartPoller(); err != nil {
		return err
	}
	out := &checked{Writer: env.Stdout}
	env.Stdout = out
	root := newRootCommand(env)
	root.SetArgs(append([]string{}, env.Args...))
	// cobra's own message for an unknown command has several lines.
	if _, _, err := root.Find(env.Args); err != nil && !completing(env.Args) {
		return unknownCommand(root, env.Args)
	}
	if err := root.Execute(); err != nil {
		return err
	}
	return out.err
}

func newRootCommand(env Env) *cobra.Command {
	cobra.EnableCommandSorting = false
	root := &cobra.Command{
		Use:   "switchyard COMMAND",
		Short: "server designs side by side, traced from the kernel",
		Long: `Switchyard runs the classic designs of a server that serves many clients at once
as raw system calls, puts the same load on each, and shows from inside the kernel
what each one makes the scheduler do.

Results go to standard output, everything else to standard error. Text is as wide
as the terminal, or as COLUMNS says where there is none. Exit codes: 0 done, 1 the
work failed, 2 asked wrongly.`,
		Example: `switchyard compare
switchyard models
switchyard serve poll/epoll
switchyard load http://127.0.0.1:8080/ --clients 64 --duration 5s
switchyard doctor`,
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		RunE: func(root *cobra.Command, _ []string) error {
			return usagef("no command: want one of %s (switchyard --help describes them)",
				strings.Join(commandNames(root), ", "))
		},
	}
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { printHelp(env, cmd) })
	root.PersistentFlags().BoolP("quiet", "q", false, "say nothing but results and errors")
	root.PersistentFlags().BoolP("help", "h", false, "show this help")
	for _, c := range commands {
		root.AddCommand(c(env))
	}
	root.SetHelpCommand(newHelpCommand(env))
	// Now and not when cobra runs the command: until then nothing finds it.
	root.InitDefaultHelpCmd()
	addCompletion(root)
	return root
}

// completing reports whether a completion script asks: cobra adds the command for that only when it
// runs it.
func completing(args []string) bool {
	return len(args) > 0 &&
		(args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// quiet reports whether -q was given.
func quiet(cmd *cobra.Command) bool {
	q, _ := cmd.Flags().GetBool("quiet")
	return q
}

func commandNames(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

// unknownCommand is the error for the first argument that is not a flag.
func unknownCommand(root *cobra.Command, args []string) error {
	i := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
	if i < 0 {
		return usagef("unknown command (switchyard --help lists the commands)")
	}
	near := root.SuggestionsFor(args[i])
	if len(near) == 0 {
		return usagef("unknown command %q: want one of %s", args[i],
			strings.Join(commandNames(root), ", "))
	}
	return usagef("unknown command %q%s", args[i], nearest.DidYouMean(near))
}
