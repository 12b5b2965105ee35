package aggregate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/source"
)

// plan decides what the run does with every source.
func (r *run) plan(ctx context.Context) error {
	var failed error
	for _, src := range r.Workspace.Sources {
		s, err := r.planSource(ctx, src)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		r.Log("source "+src.Def.Name, "action", s.plan.action.String(), "because", s.plan.reason)
		r.sources = append(r.sources, s)
	}
	return failed
}

func (r *run) planSource(ctx context.Context, src *source.Source) (*sourceRun, error) {
	name := src.Def.Name
	s := &sourceRun{src: src, def: src.Def, guard: r.Workspace.SourceGuards[name], verdict: pass}
	var err error
	if s.previous, err = r.readState(ctx, name); err != nil {
		return nil, err
	}
	found, err := src.Deliveries(ctx, r.Open, r.started)
	if nothing := (*source.NothingError)(nil); err != nil && (s.previous == nil || !errors.As(err, &nothing)) {
		return nil, err
	}
	asOf := r.asOf(src.Def)
	s.plan, err = planSource(sourceInput{
		def: src.Def, previous: s.previous, found: admitted(found, asOf), asOf: asOf, full: r.Full, now: r.started,
	})
	if err != nil {
		return nil, err
	}
	s.state = s.previous
	s.offered = s.plan.deliveries
	if s.plan.stale == "" {
		return s, nil
	}
	s.verdict = guard.Verdict{Verdict: guard.Hold, Reasons: []guard.Reason{{Check: maxAge, Text: s.plan.stale}}}
	if err := r.settle(ctx, s); err != nil {
		return nil, err
	}
	if s.verdict.Held() {
		s.plan = sourcePlan{action: keep, reason: "it is held", stale: s.plan.stale}
	}
	r.dropUnfit(s)
	return s, nil
}

// asOf is how far a source may look. Where its versions are not in its paths,
// only its own --as-of binds it.
func (r *run) asOf(def *source.Definition) string {
	if own, ok := r.AsOfEach[def.Name]; ok {
		return own
	}
	for _, p := range def.Paths {
		if strings.Contains(p.Value, "{version") {
			return r.AsOf
		}
	}
	return ""
}

func admitted(found []source.Delivery, asOf string) []source.Delivery {
	var out []source.Delivery
	for _, d := range found {
		if admits(asOf, d.Version) {
			out = append(out, d)
		}
	}
	return out
}

// readState reads the state of a source that the current snapshot was made
// from, or returns nil.
func (r *run) readState(ctx context.Context, name string) (*SourceState, error) {
	id, known := r.baseline.Sources[name]
	if !known {
		return nil, nil
	}
	return readState(ctx, r.Store, name, id)
}

// readGroupBytes is about how many bytes of files a task of the read phase
// takes, unless a single file has more.
const readGroupBytes = 64 << 20

// read turns all files that are read into sorted runs.
func (r *run) read(ctx context.Context) error {
	var tasks []engine.Task
	for _, s := range r.sources {
		for _, group := range s.groups() {
			t, err := r.task(readPhase, len(tasks), readArgs{Source: s.def.Name, Files: group})
			if err != nil {
				return err
			}
			s.tasks = append(s.tasks, t)
			tasks = append(tasks, t)
		}
	}
	if err := r.stagePhase(ctx, readPhase, tasks); err != nil {
		return err
	}
	var failed error
	for _, s := range r.sources {
		failed = errors.Join(failed, s.collectRead(ctx, r))
	}
	return failed
}

// compact makes the new states, checks them and commits those that pass.
func (r *run) compact(ctx context.Context) error {
	var tasks []engine.Task
	for _, s := range r.sources {
		if !s.changes() {
			continue
		}
		s.stack(r.id)
		if err := r.worker.save(ctx, compactPlanName(r.id, s.def.Name), s.compactPlan()); err != nil {
			return err
		}
		s.tasks = nil
		for p := range r.Workspace.Partitions {
			t, err := r.task(compactPhase, p, compactArgs{Source: s.def.Name})
			if err != nil {
				return err
			}
			s.tasks = append(s.tasks, t)
		}
		tasks = append(tasks, s.tasks...)
	}
	if err := r.stagePhase(ctx, compactPhase, tasks); err != nil {
		return err
	}
	return r.commitStates(ctx)
}

func (r *run) commitStates(ctx context.Context) error {
	var failed error
	for _, s := range r.sources {
		if s.changes() {
			failed = errors.Join(failed, s.collectCompact(ctx, r))
		}
	}
	if failed != nil {
		return failed
	}
	for _, s := range r.sources {
		if s.changes() && !s.verdict.Held() {
			if err := s.commit(ctx, r); err != nil {
				return err
			}
		}
		if s.verdict.Held() {
			r.report.warn(fmt.Sprintf("source %s is held: %s", s.def.Name, s.verdict.Reasons[0].Text))
		}
	}
	return nil
}

// write makes the snapshot's partitions.
func (r *run) write(ctx context.Context) error {
	plan := writePlan{States: map[string]stateRef{}}
	for _, s := range r.sources {
		plan.States[s.def.Name] = stateRef{Layers: s.state.layers()}
	}
	if err := r.worker.save(ctx, writePlanName(r.id), plan); err != nil {
		return err
	}
	var tasks []engine.Task
	for p := range r.Workspace.Partitions {
		tasks = append(tasks, engine.Task{Stage: stage, Phase: writePhase, Run: r.id, Partition: p})
	}
	if err := r.stagePhase(ctx, writePhase, tasks); err != nil {
		return err
	}
	return r.collectWrite(ctx, tasks)
}

func (r *run) collectWrite(ctx context.Context, tasks []engine.Task) error {
	results, err := loadResults[writeResult](ctx, r.worker, tasks, "snapshot")
	if err != nil {
		return err
	}
	mishaps := map[string]mishap{}
	for _, result := range results {
		r.report.Offers += result.Rows
		r.objects = append(r.objects, result.Object)
		for name, f := range result.Mishaps {
			sum := mishaps[name]
			sum.Offers += f.Offers
			if sum.Sample == "" {
				sum.Sample = f.Sample
			}
			mishaps[name] = sum
		}
	}
	for _, name := range r.derivedNames() {
		if f, ok := mishaps[name]; ok {
			r.report.warn(fmt.Sprintf("%s is null for %d offers because its expression failed, such as %s", name, f.Offers, f.Sample))
		}
	}
	return nil
}

// derivedNames are the columns whose expressions may fail, in order.
func (r *run) derivedNames() []string {
	var names []string
	for _, j := range r.Workspace.Offer.Joins {
		names = append(names, j.Name)
	}
	for _, d := range r.Workspace.Offer.Columns {
		names = append(names, d.Name)
	}
	return names
}

func (a action) String() string { return [...]string{"keep", "apply", "rebuild"}[a] }

// sumObjects names objects of a run's manifest in order.
func sumObjects(results []compactResult) []manifest.Object {
	out := make([]manifest.Object, len(results))
	for i, c := range results {
		out[i] = c.Object
	}
	return out
}
