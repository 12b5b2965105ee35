package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// An app is what the commands share: the global flags and the process's edges.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) (string, bool)
	now            func() time.Time

	config    string
	json      bool
	quiet     bool
	workers   int
	logFormat string

	started bool // a command ran: later errors are not about usage
	meter   *meter
	log     *slog.Logger
	answer  any // what --json prints, set by the command
}

func newApp(stdin io.Reader, stdout, stderr io.Writer, env func(string) (string, bool)) *app {
	return &app{stdin: stdin, stdout: stdout, stderr: stderr, env: env, now: time.Now}
}

func (a *app) addFlags(flags *pflag.FlagSet) {
	flags.StringVarP(&a.config, "config", "c", "feedmill.yaml", "the workspace's `file`")
	flags.BoolVar(&a.json, "json", false, "print one JSON object on stdout")
	flags.BoolVar(&a.quiet, "quiet", false, "no progress, and of the log only warnings and errors")
	flags.IntVar(&a.workers, "workers", runtime.GOMAXPROCS(0), "tasks at once")
	flags.StringVar(&a.logFormat, "log-format", "text", "text or json")
}

// runner makes a command's RunE of its function.
func runner[O any](a *app, opts *O, f func(context.Context, *app, *O, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := a.checkGlobals(); err != nil {
			return err
		}
		a.started = true
		a.meter = newMeter(a.stderr, isTerminal(a.stderr), a.quiet, a.now)
		a.log = newLogger(a.meter, a.logFormat, a.quiet)
		err := f(cmd.Context(), a, opts, args)
		a.meter.Close()
		return err
	}
}

func newLogger(w io.Writer, format string, quiet bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if quiet {
		options.Level = slog.LevelWarn
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progress shows the phases of a stage on stderr.
func (a *app) progress(stage string) func(phase string, done, total int) {
	return func(phase string, done, total int) { a.meter.Observe(stage+" "+phase, done, total) }
}
