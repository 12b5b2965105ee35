package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/feedmill/feedmill/internal/diff"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
)

const showText = `
Show prints what a run reported, and the objects that it wrote. RUN is a run's
id, or its beginning where that is enough.`

type showOptions struct{}

func newShowCommand(a *app) *cobra.Command {
	var opts showOptions
	return &cobra.Command{
		Use:     "show RUN",
		Short:   "Print what a run reported",
		Long:    exits(showText, exitDone, exitError, exitUsage, exitInvalid, exitInterrupted),
		Example: "  feedmill show 20260131T0215",
		Args:    arguments("RUN"),
		RunE:    runner(a, &opts, runShow),
	}
}

// A shown run is the answer of show.
type shown struct {
	Run      string            `json:"run"`
	Stage    string            `json:"stage"`
	Status   string            `json:"status"`
	Started  time.Time         `json:"started"`
	Finished time.Time         `json:"finished"`
	Objects  []manifest.Object `json:"objects"`
	Report   json.RawMessage   `json:"report"`

	Decisions []*manifest.Decision `json:"decisions"` // about what the run held
}

func runShow(ctx context.Context, a *app, _ *showOptions, args []string) error {
	_, store, err := a.openSettled()
	if err != nil {
		return err
	}
	stage, run, err := findRun(ctx, store, stageKinds(), args[0])
	if err != nil {
		return err
	}
	m, err := manifest.Read(ctx, store, stage.kind, run)
	if err != nil {
		return err
	}
	if err := catchUp(ctx, store, m); err != nil {
		return err
	}
	decisions, err := manifest.Decisions(ctx, store, run)
	if err != nil {
		return err
	}
	answer := shown{
		m.Run, m.Stage, m.Status, m.Started, m.Finished, append([]manifest.Object{}, m.Objects...), m.Report, append([]*manifest.Decision{}, decisions...),
	}
	return a.show(answer, func(w io.Writer) error {
		if err := printRun(w, m); err != nil {
			return err
		}
		return printDecisions(w, decisions)
	})
}

// catchUp brings the report of a run of diff up to date: it was committed before
// the events were sent.
func catchUp(ctx context.Context, store storage.Store, m *manifest.Manifest) error {
	if m.Stage != "diff" {
		return nil
	}
	report, err := diff.Delivered(ctx, store, m)
	if err != nil {
		return err
	}
	m.Report, err = json.Marshal(report)
	return err
}

// findRun finds the run of some stages whose id is, or begins with, a text.
func findRun(ctx context.Context, store storage.Store, stages []stageKind, text string) (stage stageKind, run string, err error) {
	for _, s := range stages {
		ids, err := manifest.List(ctx, store, s.kind)
		if err != nil {
			return stageKind{}, "", fmt.Errorf("list runs of %s: %w", s.stage, err)
		}
		for _, id := range ids {
			if id == text {
				return s, id, nil
			}
			if len(text) == 0 || len(id) < len(text) || id[:len(text)] != text {
				continue
			}
			if run != "" {
				return stageKind{}, "", usagef("feedmill runs lists them", "%s begins several runs: %s and %s", text, run, id)
			}
			stage, run = s, id
		}
	}
	if run == "" {
		return stageKind{}, "", fmt.Errorf("run %s: %w", text, errNoRun)
	}
	return stage, run, nil
}

var errNoRun = errors.New("there is no such run: feedmill runs lists them")

// findRunOf finds the run of a stage whose id is, or begins with, a text. The error for
// one of another stage is an *otherStageError.
func findRunOf(ctx context.Context, store storage.Store, stage, text string) (string, error) {
	stages, err := chosenStages([]string{stage})
	if err != nil {
		return "", err
	}
	_, run, err := findRun(ctx, store, stages, text)
	if !errors.Is(err, errNoRun) {
		return run, err
	}
	other, run, failed := findRun(ctx, store, stageKinds(), text)
	if failed != nil {
		return "", fmt.Errorf("run %s of %s: %w", text, stage, errNoRun)
	}
	return "", &otherStageError{run, other, stage}
}

// An otherStageError says of which stage a run is that was meant to be of another.
type otherStageError struct {
	run   string
	is    stageKind
	meant string
}

func (e *otherStageError) Error() string {
	return fmt.Sprintf("run %s is of %s, not of %s", e.run, e.is.stage, e.meant)
}

// printDecisions says what people decided about what a run held.
func printDecisions(w io.Writer, decisions []*manifest.Decision) error {
	for _, d := range decisions {
		names := strings.Join(slices.Sorted(maps.Keys(d.Held)), ", ")
		if _, err := fmt.Fprintf(w, "%s: %s (%s)\n", names, d, stamp(d.At)); err != nil {
			return err
		}
	}
	return nil
}

// printRun prints a run as its stage did when it ran.
func printRun(w io.Writer, m *manifest.Manifest) error {
	if err := printReport(w, m); err != nil {
		return err
	}
	if failure := readGist(m.Report).Error; failure != "" {
		if _, err := fmt.Fprintln(w, "error:", failure); err != nil {
			return err
		}
	}
	var bytes int64
	for _, o := range m.Objects {
		bytes += o.Size
	}
	_, err := fmt.Fprintf(w, "started %s, %s of %s\n", stamp(m.Started), plural(int64(len(m.Objects)), "object"), size(bytes))
	return err
}

func printReport(w io.Writer, m *manifest.Manifest) error {
	switch m.Stage {
	case "aggregate":
		return printStored(w, m, printAggregate)
	case "generate":
		return printStored(w, m, printGenerate)
	case "diff":
		return printStored(w, m, printDiff)
	default:
		return errors.New("stage " + m.Stage + " is unknown to this feedmill")
	}
}

// printStored decodes a stored report and prints it.
func printStored[R any](w io.Writer, m *manifest.Manifest, print func(io.Writer, *R) error) error {
	var report R
	if err := json.Unmarshal(m.Report, &report); err != nil {
		return fmt.Errorf("decode the report of run %s: %w", m.Run, err)
	}
	return print(w, &report)
}
