package aggregate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/source"
	"github.com/feedmill/feedmill/internal/storage"
)

// A sourceRun is what a run does with one source.
type sourceRun struct {
	src      *source.Source
	def      *source.Definition
	guard    guard.Limits
	previous *SourceState // nil: none
	plan     sourcePlan
	offered  []DeliveryState // that the state would consist of, were it not held
	verdict  guard.Verdict
	settled  string       // by which decision the verdict is another than the guard's
	state    *SourceState // that the snapshot is made from; nil: none
	tasks    []engine.Task
	reads    []readResult
	fresh    SourceState // the new state, while it is made
	patch    bool        // the new state is the last one with a patch above
}

func kindOf(name string) string { return "sources/" + name }

func readState(ctx context.Context, store storage.Store, name, run string) (*SourceState, error) {
	m, err := manifest.Read(ctx, store, kindOf(name), run)
	if err != nil {
		return nil, err
	}
	state := &SourceState{}
	if err := json.Unmarshal(m.Detail, state); err != nil {
		return nil, fmt.Errorf("decode the manifest of state %s of source %s: %w", run, name, err)
	}
	return state, nil
}

// changes reports whether the run makes a new state of the source.
func (s *sourceRun) changes() bool { return s.plan.action != keep }

// groups cuts the files to read into tasks: neighbours of about readGroupBytes.
func (s *sourceRun) groups() [][]rankedFile {
	rank := ranks(s.plan.deliveries)
	var groups [][]rankedFile
	var size int64
	for _, d := range s.plan.read {
		for _, f := range d.Files {
			if len(groups) == 0 || size+f.Size > readGroupBytes {
				groups, size = append(groups, nil), 0
			}
			last := len(groups) - 1
			groups[last] = append(groups[last], rankedFile{File: f, Rank: rank[keyOf(f)]})
			size += f.Size
		}
	}
	return groups
}

// collectRead takes the results of the read tasks and checks what can be
// checked before anything is merged.
func (s *sourceRun) collectRead(ctx context.Context, r *run) error {
	if !s.changes() {
		return nil
	}
	s.fresh = SourceState{Run: r.id, Digest: s.def.Digest(), Shape: shapeOf(s.src), Partitions: r.Workspace.Partitions, Deliveries: cloned(s.plan.deliveries)}
	var err error
	if s.reads, err = loadResults[readResult](ctx, r.worker, s.tasks, s.def.Name); err != nil {
		return err
	}
	for _, result := range s.reads {
		s.fresh.Read += result.Read
		s.fresh.Rejected += result.Rejected
		s.fresh.Duplicates += result.Duplicates
		s.noteGreatest(result.Greatest)
	}
	if err := s.checkFields(); err != nil {
		return err
	}
	return s.checkRejects()
}

// noteGreatest writes the latest change of each file into the state to be.
func (s *sourceRun) noteGreatest(greatest map[int32]time.Time) {
	if len(greatest) == 0 {
		return
	}
	rank := int32(0)
	for _, d := range s.fresh.Deliveries {
		for i := range d.Files {
			if at, ok := greatest[rank]; ok {
				d.Files[i].Greatest = at
			}
			rank++
		}
	}
}

// checkFields refuses a delivery in which no file has a field that an
// expression reads.
func (s *sourceRun) checkFields() error {
	seen := map[string][]source.Fields{}
	for _, r := range s.reads {
		for version, fields := range r.Seen {
			seen[version] = append(seen[version], fields...)
		}
	}
	for _, d := range s.plan.read {
		if missing := s.src.Missing(seen[d.Version]...); len(missing) > 0 {
			return fmt.Errorf("source %s: delivery %s has no field %s: name it under `optional` if it may be absent", s.def.Name, d.Version, strings.Join(missing, ", "))
		}
	}
	return nil
}

func (s *sourceRun) checkRejects() error {
	if !guard.Share(s.def.Rejects).Exceeded(s.fresh.Rejected, s.fresh.Read) {
		return nil
	}
	return fmt.Errorf("source %s: %d of %d rows are rejected, more than `rejects: %s`; they are kept under %s%s",
		s.def.Name, s.fresh.Rejected, s.fresh.Read, guard.Share(s.def.Rejects), rejectsOf(s.fresh.Run, s.def.Name), s.firstReject())
}

// firstReject says why the first row that could not be read or converted was rejected;
// "" where all came too late.
func (s *sourceRun) firstReject() string {
	for _, r := range s.reads {
		if r.Reject != "" {
			return "; the first: " + r.Reject
		}
	}
	return ""
}

func (s *sourceRun) compactPlan() compactPlan {
	plan := compactPlan{Patch: s.patch}
	for _, r := range s.reads {
		plan.Runs = append(plan.Runs, r.Runs...)
	}
	if s.plan.action == apply {
		plan.Previous = s.previous.layers()
		plan.Remap = remap(s.previous.Deliveries, s.fresh.Deliveries)
	}
	if s.def.Late > 0 {
		plan.Late, plan.Expire = lateLimits(s.fresh.Deliveries, s.def.Late)
		for _, d := range s.fresh.Deliveries {
			for _, f := range d.Files {
				plan.Files = append(plan.Files, f.Name)
			}
		}
	}
	return plan
}

// remap returns the new rank of each old one, or nil when none changed.
func remap(before, after []DeliveryState) []int32 {
	rank := ranks(after)
	var out []int32
	same := true
	for _, d := range before {
		for _, f := range d.Files {
			to := rank[f.key()]
			same = same && int(to) == len(out)
			out = append(out, to)
		}
	}
	if same {
		return nil
	}
	return out
}

// collectCompact takes the results of the compact tasks and lets the guard
// compare the new state with the last one.
func (s *sourceRun) collectCompact(ctx context.Context, r *run) error {
	results, err := loadResults[compactResult](ctx, r.worker, s.tasks, s.def.Name)
	if err != nil {
		return err
	}
	late, duplicate := int64(0), ""
	for i := range results {
		s.fresh.Rows += results[i].Rows
		s.fresh.Duplicates += results[i].Duplicates
		late += results[i].Late
		duplicate = cmp.Or(duplicate, results[i].Duplicate)
	}
	for _, read := range s.reads {
		duplicate = cmp.Or(duplicate, read.Duplicate)
	}
	s.fresh.Rejected += late
	s.fresh.objects = sumObjects(results)
	if s.def.IsLog() {
		s.fresh.Duplicates = 0
	}
	if guard.Share(s.def.Duplicates).Exceeded(s.fresh.Duplicates, s.fresh.Read) {
		return fmt.Errorf("source %s: %d of %d rows repeat a key, more than `duplicates: %s`; such as key %q",
			s.def.Name, s.fresh.Duplicates, s.fresh.Read, guard.Share(s.def.Duplicates), duplicate)
	}
	if err := s.checkRejects(); err != nil {
		return err
	}
	s.judge()
	if err := r.settle(ctx, s); err != nil {
		return err
	}
	r.dropUnfit(s)
	return nil
}

// dropUnfit leaves a source without a state where the last one is to be used on, and
// its rows have other columns than the definition says now.
func (r *run) dropUnfit(s *sourceRun) {
	if (s.verdict.Held() || !s.changes()) && s.state != nil && !s.state.fits(s.src) {
		s.state = nil
		r.report.warn(fmt.Sprintf("source %s: its last state has other columns than it is defined with now, so there is no new snapshot: approve what is held, or take the definition back", s.def.Name))
	}
}

// judge compares the new state with the last one. Counts of a log are those of
// all its deliveries.
func (s *sourceRun) judge() {
	var before *int64
	if s.previous != nil {
		before = &s.previous.Rows
	}
	s.verdict = guard.Source(s.guard, before, s.fresh.Rows)
	if s.def.Optional && len(s.offered) == 0 && (before == nil || *before == 0) {
		s.verdict = pass // no file is fine
	}
	if s.verdict.Held() && s.fresh.Rejected > 0 {
		s.verdict.Reasons = append(s.verdict.Reasons, guard.Reason{
			Check: "rejects", Limit: guard.Share(s.def.Rejects).String(), Was: s.fresh.Read, Is: s.fresh.Rejected,
			Text: fmt.Sprintf("%d of %d rows were rejected%s", s.fresh.Rejected, s.fresh.Read, s.firstReject()),
		})
	}
	if s.plan.action == apply {
		s.fresh.Read += s.previous.Read
		s.fresh.Rejected += s.previous.Rejected
	}
}

// commit makes the new state the source's.
func (s *sourceRun) commit(ctx context.Context, r *run) error {
	detail, err := json.Marshal(s.fresh)
	if err != nil {
		return fmt.Errorf("encode the state of source %s: %w", s.def.Name, err)
	}
	m := manifest.Manifest{
		Run: r.id, Stage: stage, Status: manifest.Done, Started: r.started, Finished: r.Now().UTC(),
		Base: r.base.N, Requires: s.fresh.Layers[:max(len(s.fresh.Layers)-1, 0)], Objects: s.fresh.objects, Detail: detail,
	}
	if err := manifest.Commit(ctx, r.Store, kindOf(s.def.Name), &m); err != nil {
		return err
	}
	s.state = &s.fresh
	return nil
}

func (s *sourceRun) report() SourceReport {
	out := SourceReport{
		Versions: []string{}, Verdict: s.verdict.Verdict, Reasons: s.verdict.Reasons,
		Action: s.plan.action.String() + ": " + s.plan.reason, Decision: s.settled,
	}
	if s.state != nil {
		out.Rows, out.Rejected, out.Duplicates, out.Versions = s.state.Rows, s.state.Rejected, s.state.Duplicates, s.state.Versions()
	}
	if s.verdict.Held() {
		out.Held = s.holding().String()
	}
	for _, r := range s.reads {
		out.Read += r.Read
	}
	return out
}

// cloned returns deliveries whose files can be written to.
func cloned(deliveries []DeliveryState) []DeliveryState {
	out := slices.Clone(deliveries)
	for i := range out {
		out[i].Files = slices.Clone(out[i].Files)
	}
	return out
}
