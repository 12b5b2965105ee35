package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/feedmill/feedmill/internal/diag"
)

const rootText = `
feedmill reads every offer of a marketplace once per run, decides for all feeds
who is in them, renders each offer once per template, and keeps every result as
an immutable run, so that any stage can work from any earlier one.

    aggregate   sources -> snapshot: the latest joined state of every offer
    generate    snapshot -> parts: all feeds in one pass
    export      parts -> the bytes that a partner gets`

// newRootCommand is the whole command line.
func newRootCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:           "feedmill",
		Short:         "Feeds and events of all offers of a marketplace",
		Long:          exits(rootText, exitDone, exitError, exitUsage, exitHeld, exitInvalid, exitInterrupted),
		Example:       "  feedmill init shop && feedmill -c shop/feedmill.yaml run",
		Version:       version(),
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          noCommand,
	}
	cmd.CompletionOptions.HiddenDefaultCmd = true
	cmd.SetIn(a.stdin)
	cmd.SetOut(a.stdout)
	cmd.SetErr(a.stderr)
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef(c.CommandPath()+" --help lists the flags", "%w", err)
	})
	a.addFlags(cmd.PersistentFlags())
	cmd.AddCommand(commands(a)...)
	cmd.SetHelpCommand(newHelpCommand())
	return cmd
}

func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command",
		Example: "  feedmill help generate",
		RunE: func(help *cobra.Command, args []string) error {
			root := help.Root()
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return noCommand(root, args)
			}
			return cmd.Help()
		},
	}
}

// noCommand answers a command line that names no command, or an unknown one.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("feedmill help lists the commands", "no command given")
	}
	hint := "feedmill help lists the commands"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usagef(hint, "unknown command %q", args[0])
}

// arguments checks the number of a command's arguments against its names; a
// name in brackets may be left out, one that ends in ... may repeat.
func arguments(names ...string) cobra.PositionalArgs {
	least, most := 0, len(names)
	for _, name := range names {
		if !strings.HasPrefix(name, "[") {
			least++
		}
	}
	return func(cmd *cobra.Command, args []string) error {
		hint := "for example:" + cmd.Example[1:]
		if len(args) < least {
			return usagef(hint, "%s needs %s", cmd.CommandPath(), strings.Join(names[len(args):least], " and "))
		}
		if len(args) > most {
			return usagef(hint, "%s does not take %q", cmd.CommandPath(), args[most])
		}
		return nil
	}
}

// wantsJSON tells whether a command line that could not be parsed asks for JSON.
func wantsJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// checkGlobals refuses values of global flags that mean nothing.
func (a *app) checkGlobals() error {
	if a.workers < 1 {
		return usagef("--workers 2", "--workers %d: at least one is needed", a.workers)
	}
	if a.logFormat != "text" && a.logFormat != "json" {
		return usagef("--log-format text, or json", "--log-format %q", a.logFormat)
	}
	return nil
}

// version is what the build knows of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	parts := []string{info.Main.Version}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			parts = append(parts, s.Value)
		}
	}
	return fmt.Sprintf("%s %s", strings.Join(parts, " "), runtime.Version())
}

// nearest is a hint that names what a misspelt word may mean, else another one.
func nearest(word string, among []string, otherwise string) string {
	return cmp.Or(diag.DidYouMean(word, among), otherwise)
}
