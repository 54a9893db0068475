package main

import "github.com/spf13/cobra"

// addCompletion adds cobra's own completion command, with the examples that
// every command has.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Use = "completion SHELL"
		c.Short = "write a completion script for bash, zsh, fish or powershell"
		c.Long = ""
		c.Example = "switchyard completion bash > /etc/bash_completion.d/switchyard\nsource <(switchyard completion zsh)"
		c.Args = nil
		c.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("completion needs a shell: want bash, zsh, fish or powershell")
			}
			return usagef("unknown shell %q: want bash, zsh, fish or powershell", args[0])
		}
		for _, shell := range c.Commands() {
			shell.Short = "write a completion script for " + shell.Name()
			shell.Example = completionExamples[shell.Name()]
			shell.Args = noArgs
		}
	}
}

var completionExamples = map[string]string{
	"bash":       "source <(switchyard completion bash)\nswitchyard completion bash > /etc/bash_completion.d/switchyard",
	"zsh":        "source <(switchyard completion zsh)\nswitchyard completion zsh > \"${fpath[1]}/_switchyard\"",
	"fish":       "switchyard completion fish | source\nswitchyard completion fish > ~/.config/fish/completions/switchyard.fish",
	"powershell": "switchyard completion powershell | Out-String | Invoke-Expression",
}

// noFiles is for arguments that are no file names.
func noFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}
