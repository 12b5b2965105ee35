package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/trial"
	"github.com/feedmill/feedmill/internal/workspace"
)

const checkText = `
Check reads the whole workspace (feedmill.yaml, feeds, templates), runs the
feeds' own tests, and says how many renderings there are and what splits them.
It reads no source and writes nothing. It warns of conditions that have to be
decided offer by offer: they cost a hundred times as much as the others and more.

All mistakes of all files are reported at once, with their place and a hint
(exit 4). A feed test that fails is an error (exit 1).`

type checkOptions struct{}

func newCheckCommand(a *app) *cobra.Command {
	var opts checkOptions
	return &cobra.Command{
		Use:     "check",
		Short:   "Check the workspace and run the feeds' tests",
		Long:    exits(checkText, exitDone, exitError, exitUsage, exitInvalid, exitInterrupted),
		Example: "  feedmill -c shop/feedmill.yaml check",
		Args:    arguments(),
		RunE:    runner(a, &opts, runCheck),
	}
}

// A checked workspace is the answer of check.
type checked struct {
	Status     string           `json:"status"` // done, or failed when a test did
	Error      string           `json:"error,omitempty"`
	Sources    int              `json:"sources"`
	Columns    int              `json:"columns"`
	Feeds      int              `json:"feeds"`
	Events     int              `json:"event_feeds"`
	Templates  int              `json:"templates"`
	Tests      int              `json:"tests"`
	Failures   []mistake        `json:"failures,omitempty"`
	Renderings int              `json:"renderings"`
	Split      []renderingSplit `json:"split,omitempty"`
	Warnings   []string         `json:"warnings"`
}

func runCheck(ctx context.Context, a *app, _ *checkOptions, _ []string) error {
	w, err := a.load()
	if err != nil {
		return err
	}
	var failures diag.List
	for _, test := range w.Tests {
		if err := ctx.Err(); err != nil {
			return err
		}
		failures = append(failures, trial.Run(w, test, a.now())...)
	}
	answer := &checked{
		Status: "done", Sources: len(w.Sources), Columns: len(w.Schema), Feeds: len(w.Feeds), Events: len(w.Events),
		Templates: len(w.Templates), Tests: len(w.Tests), Failures: newMistakes(failures),
	}
	answer.Renderings, answer.Split = renderings(w)
	answer.Warnings = append(slowConditions(w), engineWarnings(w)...)
	if len(failures) > 0 {
		err = fmt.Errorf("feed tests failed: %d offers are not as expected", len(failures))
		answer.Status, answer.Error = "failed", err.Error()
	}
	if shown := a.show(answer, func(out io.Writer) error { return answer.print(out, w, failures) }); shown != nil {
		return shown
	}
	return err
}

func (c *checked) print(out io.Writer, w *workspace.Workspace, failures diag.List) error {
	fmt.Fprintf(out, "%s: %s, %s, %s, %s, %s\n", w.File, plural(int64(c.Sources), "source"), plural(int64(c.Columns), "column"),
		plural(int64(c.Feeds), "feed"), plural(int64(c.Events), "event feed"), plural(int64(c.Templates), "template"))
	fmt.Fprintf(out, "%s of %s\n", plural(int64(c.Renderings), "rendering"), plural(int64(c.Feeds), "feed"))
	for _, s := range c.Split {
		verb := "makes"
		if len(s.By) > 1 {
			verb = "make"
		}
		fmt.Fprintf(out, "  %s %s %s of %s\n", strings.Join(s.By, " and "), verb, plural(int64(s.Renderings), "rendering"), s.Template)
	}
	if err := printWarnings(out, c.Warnings); err != nil {
		return err
	}
	if len(failures) > 0 {
		_, err := fmt.Fprintf(out, "%s\n", failures.Sorted())
		return err
	}
	_, err := fmt.Fprintf(out, "%s passed\n", plural(int64(c.Tests), "feed test"))
	return err
}
