package generate

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/locate"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

// locate finds the causes of held feeds. That they could not be found is a part of
// the report, and no error: the feeds are held all the same.
func (r *run) locate(ctx context.Context) {
	byRun := map[string][]*plannedFeed{}
	n := 0
	for _, f := range r.plan.feeds {
		report := r.report.Feeds[f.Name]
		if report.Verdict == guard.Hold && report.Before != nil && n < locate.MaxFeeds {
			run := r.baseline.Feeds[f.Name].Run
			byRun[run] = append(byRun[run], f)
			n++
		}
	}
	for _, run := range slices.Sorted(maps.Keys(byRun)) {
		causes, err := r.causes(ctx, run, byRun[run])
		for i, f := range byRun[run] {
			report := r.report.Feeds[f.Name]
			if report.Causes = (&locate.Causes{}); err != nil {
				report.Causes.Unknown = err.Error()
			} else {
				report.Causes = causes[i]
			}
			r.report.Feeds[f.Name] = report
			m := r.detail.Made[f.Name]
			m.Report = report
			r.detail.Made[f.Name] = m
		}
	}
}

// causes compares the snapshot of a published run with that of this run.
func (r *run) causes(ctx context.Context, run string, feeds []*plannedFeed) ([]*locate.Causes, error) {
	m, err := manifest.Read(ctx, r.Store, part.Kind, run)
	if err != nil {
		return nil, err
	}
	var was detail
	if err := json.Unmarshal(m.Detail, &was); err != nil {
		return nil, fmt.Errorf("decode the manifest of run %s: %w", run, err)
	}
	var subjects []locate.Subject
	former := r.Workspace.Former(&r.baseline.Wordings)
	for _, f := range feeds {
		subjects = append(subjects, locate.Subject{Where: f.Where, Was: former.Published(f.Name), Chooses: f.Choose != nil})
	}
	search := locate.Search{Store: r.Store, Before: was.Made[feeds[0].Name].Snapshot, Now: r.Snapshot, At: r.At, Workers: r.Workers}
	found, err := search.Find(ctx, subjects)
	for i, c := range found {
		name := feeds[i].Name
		c.Rules = locate.RuleChanges(was.Made[name].Report.Left, r.report.Feeds[name].Left)
	}
	return found, err
}
