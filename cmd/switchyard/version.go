package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"switchyard/internal/report"
)

// buildVersion is what the Go tool wrote into the binary about itself.
type buildVersion struct {
	Schema   string `json:"schema"`
	Version  string `json:"version"` // "(devel)" when built from a working tree
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func readVersion() buildVersion {
	v := buildVersion{
		Schema:   "switchyard.version/1",
		Version:  "(devel)",
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func newVersionCommand(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "version",
		Short:             "show the version of the program and of the Go it was built with",
		Example:           "switchyard version\nswitchyard version --format json",
		Args:              noArgs,
		ValidArgsFunction: noFiles,
	}
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(*cobra.Command, []string) error {
		v := readVersion()
		if *format == "json" {
			return writeJSON(env.Stdout, v)
		}
		line := "switchyard " + v.Version
		if v.Revision != "" {
			line += " " + v.Revision
		}
		if v.Modified {
			line += " (modified)"
		}
		_, err := fmt.Fprintln(env.Stdout, report.OneLine(line+", "+v.Go+", "+v.Platform))
		return err
	}
	return cmd
}
