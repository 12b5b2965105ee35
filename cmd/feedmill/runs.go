package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/feedmill/feedmill/internal/diff"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
)

const runsText = `
Runs lists what ran, the newest first: when, how long, how much, why it was held or
failed, and of diff how many events are still to be sent. Readers use the run marked
with a star.

STAGE is aggregate, generate or diff; without it the runs of all are listed.`

// A stageKind is a stage with the kind under which its runs are stored.
type stageKind struct{ stage, kind string }

// stageKinds lists the stages that keep runs.
func stageKinds() []stageKind {
	return []stageKind{{"aggregate", "snapshots"}, {"generate", "feeds"}, {"diff", "events"}}
}

type runsOptions struct{ limit int }

func (o *runsOptions) addFlags(flags *pflag.FlagSet) {
	flags.IntVarP(&o.limit, "limit", "n", 20, "the newest `N` runs; 0: all")
}

func newRunsCommand(a *app) *cobra.Command {
	var opts runsOptions
	cmd := &cobra.Command{
		Use:     "runs [STAGE]",
		Short:   "List what ran",
		Long:    exits(runsText, exitDone, exitError, exitUsage, exitInvalid, exitInterrupted),
		Example: "  feedmill runs aggregate -n 5",
		Args:    arguments("[STAGE]"),
		RunE:    runner(a, &opts, runRuns),
	}
	opts.addFlags(cmd.Flags())
	return cmd
}

// A listedRun is a run as runs shows it.
type listedRun struct {
	Run     string    `json:"run"`
	Stage   string    `json:"stage"`
	Status  string    `json:"status"`
	Current bool      `json:"current"`
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
	Offers  int64     `json:"offers"`
	Held    []string  `json:"held,omitempty"`
	Reasons []string  `json:"reasons,omitempty"` // why, of each that is held one
	Unsent  int64     `json:"unsent,omitempty"`  // events of diff that are still to be sent
	Error   string    `json:"error,omitempty"`
}

func runRuns(ctx context.Context, a *app, opts *runsOptions, args []string) error {
	if opts.limit < 0 {
		return usagef("-n 0 lists all", "-n %d", opts.limit)
	}
	stages, err := chosenStages(args)
	if err != nil {
		return err
	}
	_, store, err := a.openSettled()
	if err != nil {
		return err
	}
	runs, err := listRuns(ctx, store, stages, opts.limit)
	if runs == nil {
		return err
	}
	answer := struct {
		Runs []listedRun `json:"runs"`
	}{runs}
	return errors.Join(err, a.show(answer, func(w io.Writer) error { return printRuns(w, runs) }))
}

func chosenStages(args []string) ([]stageKind, error) {
	all := stageKinds()
	if len(args) == 0 {
		return all, nil
	}
	for _, s := range all {
		if s.stage == args[0] {
			return []stageKind{s}, nil
		}
	}
	return nil, usagef("aggregate, generate or diff", "unknown stage %q", args[0])
}

// listRuns returns the newest runs of some stages, newest first. Where it cannot be
// known which is current, none is, and there is an error beside the runs.
func listRuns(ctx context.Context, store storage.Store, stages []stageKind, limit int) ([]listedRun, error) {
	runs := []listedRun{}
	var unknown error
	for _, s := range stages {
		ids, err := manifest.List(ctx, store, s.kind)
		if err != nil {
			return nil, fmt.Errorf("list runs of %s: %w", s.stage, err)
		}
		current, err := manifest.Current(ctx, store, s.kind)
		if err != nil {
			err = fmt.Errorf("read current of %s: %w", s.kind, err)
		}
		switch {
		case errors.As(err, new(*manifest.LostError)):
			unknown = errors.Join(unknown, err)
		case err != nil:
			return nil, err
		}
		for _, id := range newest(ids, limit) {
			m, err := manifest.Read(ctx, store, s.kind, id)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				continue // gc has just removed it
			case err != nil && ctx.Err() == nil:
				runs = append(runs, listedRun{Run: id, Stage: s.stage, Status: manifest.Failed, Current: id == current.Run, Error: err.Error()})
				continue
			case err != nil:
				return nil, err
			}
			r, err := listed(ctx, store, m, id == current.Run)
			if err != nil {
				return nil, err
			}
			runs = append(runs, r)
		}
	}
	slices.SortStableFunc(runs, func(a, b listedRun) int { return cmp.Compare(b.Run, a.Run) })
	if limit > 0 && len(runs) > limit {
		runs = runs[:limit]
	}
	return runs, unknown
}

func newest(ids []string, limit int) []string {
	if limit > 0 && len(ids) > limit {
		return ids[len(ids)-limit:]
	}
	return ids
}

func listed(ctx context.Context, store storage.Store, m *manifest.Manifest, current bool) (listedRun, error) {
	r := listedRun{
		Run: m.Run, Stage: m.Stage, Status: m.Status, Current: current,
		Started: m.Started, Seconds: m.Finished.Sub(m.Started).Seconds(),
	}
	gist := readGist(m.Report)
	r.Offers, r.Error = gist.Offers, gist.Error
	r.Held, r.Reasons = gist.held()
	if !current || m.Stage != "diff" {
		return r, nil
	}
	sent, err := diff.Delivered(ctx, store, m)
	if err != nil {
		return r, err
	}
	r.Unsent = sent.Unsent
	return r, nil
}

// A gist is what the reports of all stages have in common.
type gist struct {
	Offers   int64                  `json:"offers"`
	Error    string                 `json:"error"`
	Snapshot string                 `json:"snapshot"` // that it read; of aggregate, that it left current
	Sources  map[string]gistVerdict `json:"sources"`
	Feeds    map[string]gistVerdict `json:"feeds"`
	Events   map[string]gistVerdict `json:"events"`
	Reasons  []guard.Reason         `json:"reasons"` // why the whole run is held
	Holds    map[string]gistHold    `json:"holds"`   // that are open after it
}

type gistVerdict struct {
	Verdict string         `json:"verdict"`
	Reasons []guard.Reason `json:"reasons"`
}

type gistHold struct {
	Run string `json:"run"`
}

func readGist(report json.RawMessage) gist {
	var g gist
	if json.Unmarshal(report, &g) != nil {
		return gist{}
	}
	return g
}

// held names what is held, sorted, and says why: the whole run first.
func (g gist) held() (names, reasons []string) {
	why := map[string]string{}
	for what, verdicts := range map[string]map[string]gistVerdict{"source ": g.Sources, "feed ": g.Feeds, "events ": g.Events} {
		for name, v := range verdicts {
			if v.Verdict == "hold" {
				why[what+name] = firstText(v.Reasons)
			}
		}
	}
	what := "feed "
	if g.Events != nil {
		what = "events "
	}
	for name, hold := range g.Holds {
		if _, found := why[what+name]; !found && len(g.Reasons) == 0 {
			why[what+name] = "held by run " + hold.Run
		}
	}
	names = slices.Sorted(maps.Keys(why))
	if len(g.Reasons) > 0 {
		reasons = append(reasons, firstText(g.Reasons))
	}
	for _, name := range names {
		reasons = append(reasons, name+": "+why[name])
	}
	return names, reasons
}

func firstText(reasons []guard.Reason) string {
	if len(reasons) == 0 {
		return ""
	}
	return reasons[0].Text
}

// maxReasons is how many reasons are printed of a run.
const maxReasons = 3

// why says in a line why a run failed or is held, and what of it is left to do.
func (r *listedRun) why() string {
	if r.Error != "" {
		return r.Error
	}
	out := r.Reasons
	if more := len(out) - maxReasons; more > 0 {
		out = append(slices.Clone(out[:maxReasons]), count(int64(more))+" more")
	}
	if r.Unsent > 0 {
		out = append(slices.Clone(out), plural(r.Unsent, "event")+" still to be sent")
	}
	return strings.Join(out, ", ")
}

func printRuns(w io.Writer, runs []listedRun) error {
	if len(runs) == 0 {
		_, err := fmt.Fprintln(w, "no runs yet")
		return err
	}
	t := table{head: []string{"run", "", "stage", "status", "started", "took", "offers", "why"}}
	for _, r := range runs {
		star := ""
		if r.Current {
			star = "*"
		}
		t.add(r.Run, star, r.Stage, r.Status, stamp(r.Started), took(r.Seconds), count(r.Offers), r.why())
	}
	return t.write(w)
}

// stamp prints an instant in UTC.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func took(seconds float64) string { return fmt.Sprintf("%.1f s", seconds) }
