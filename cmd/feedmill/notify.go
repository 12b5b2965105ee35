package main

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"

	"github.com/feedmill/feedmill/internal/aggregate"
	"github.com/feedmill/feedmill/internal/diff"
	"github.com/feedmill/feedmill/internal/generate"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/notify"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// tell sends the notices of a workspace about what a run of a stage found, and
// adds what could not be told to the warnings of its report. A run that was
// interrupted, or stopped because another one is at work, says nothing of the
// stage.
func (a *app) tell(ctx context.Context, w *workspace.Workspace, store storage.Store, f notify.Finding, warnings *[]string) {
	var busy *manifest.BusyError
	if ctx.Err() != nil || errors.As(f.Failed, &busy) {
		return
	}
	file, err := filepath.Abs(a.config)
	if err != nil {
		file = a.config
	}
	*warnings = append(*warnings, notify.New(w, store, file, a.now).Tell(ctx, f)...)
}

// stageFailure is why a stage failed; to be held is no failure.
func stageFailure(err error) error {
	var held *heldError
	if errors.As(err, &held) {
		return nil
	}
	return err
}

func aggregateFinding(r *aggregate.Report, err error) notify.Finding {
	f := notify.Finding{Stage: r.Stage, Run: r.Run, Failed: stageFailure(err)}
	for _, name := range slices.Sorted(maps.Keys(r.Sources)) {
		if s := r.Sources[name]; s.Verdict != guard.Pass {
			f.Held = append(f.Held, notify.Problem{Name: "source " + name, Run: r.Run, Reasons: s.Reasons, Approvable: true})
		}
	}
	return f
}

func generateFinding(r *generate.Report, err error) notify.Finding {
	f := notify.Finding{Stage: r.Stage, Run: r.Run, Failed: stageFailure(err)}
	if len(r.Reasons) > 0 {
		f.Held = append(f.Held, notify.Problem{Run: r.Run, Reasons: r.Reasons, Approvable: true})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Holds)) {
		hold := r.Holds[name]
		p := notify.Problem{Name: "feed " + name, Run: hold.Run, Since: hold.Opened, Reasons: r.Feeds[name].Reasons, Approvable: hold.Run != ""}
		if p.Run == "" {
			p.Run = r.Run
		}
		f.Held = append(f.Held, p)
	}
	return f
}

func diffFinding(r *diff.Report, err error) notify.Finding {
	f := notify.Finding{Stage: r.Stage, Run: r.Run, Failed: stageFailure(err)}
	for _, name := range slices.Sorted(maps.Keys(r.Holds)) {
		hold := r.Holds[name]
		f.Held = append(f.Held, notify.Problem{
			Name: "events " + name, Run: hold.Run, Since: hold.Opened, Reasons: r.Events[name].Reasons, Approvable: true,
		})
	}
	return f
}
