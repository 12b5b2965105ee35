package aggregate

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
)

// DecideOptions are what a person decides about held sources.
type DecideOptions struct {
	Store    storage.Store
	Run      string   // that holds them
	Sources  []string // nil: all that it holds
	Decision manifest.Decision
	Now      func() time.Time // nil: time.Now
	Random   io.Reader        // nil: crypto/rand
}

// Decide records what a person decided about deliveries that a run holds: the
// next run takes those that were approved, and leaves those that were rejected
// without holding them again. A decision is about the very files that were held, and
// about what for. It also returns which sources the run holds still.
//
// What cannot be decided is a *manifest.RefusedError: the run holds no such
// source, or a newer run was made.
func Decide(ctx context.Context, o DecideOptions) (_ *manifest.Decision, left []string, err error) {
	now, random := o.Now, o.Random
	if now == nil {
		now = time.Now
	}
	if random == nil {
		random = rand.Reader
	}
	held, left, err := heldBy(ctx, o.Store, o.Run, o.Sources)
	if err != nil {
		return nil, nil, err
	}
	d := o.Decision
	d.At = now().UTC()
	d.ID, d.Stage, d.Run, d.Held = manifest.NewRun(d.At, random), stage, o.Run, held
	return &d, left, manifest.Record(ctx, o.Store, &d)
}

// heldBy returns what a run holds of the sources that are asked for, without names of
// those about which nobody decided yet, and the others of these.
func heldBy(ctx context.Context, store storage.Store, run string, sources []string) (held map[string]string, left []string, err error) {
	m, err := manifest.Read(ctx, store, snapshots, run)
	if err != nil {
		return nil, nil, err
	}
	var report Report
	if err := json.Unmarshal(m.Report, &report); err != nil {
		return nil, nil, fmt.Errorf("decode the report of run %s: %w", run, err)
	}
	made, err := manifest.Decisions(ctx, store, run)
	if err != nil {
		return nil, nil, err
	}
	held = map[string]string{}
	var over []string
	for _, name := range slices.Sorted(maps.Keys(report.Sources)) {
		s := report.Sources[name]
		decided := slices.ContainsFunc(made, func(d *manifest.Decision) bool { return d.Held[name] != "" })
		switch {
		case s.Verdict != guard.Hold:
		case slices.Contains(sources, name) || len(sources) == 0 && !decided:
			held[name] = s.Held
		case decided:
			over = append(over, name)
		default:
			left = append(left, name)
		}
	}
	for _, name := range sources {
		if _, found := held[name]; !found {
			return nil, nil, manifest.NotHeld("source "+name, run)
		}
	}
	names := append(slices.Sorted(maps.Keys(held)), over...)
	if len(names) > 0 {
		if err := newest(ctx, store, run, names[0]); err != nil {
			return nil, nil, err
		}
	}
	if len(held) == 0 {
		return nil, nil, manifest.NothingHeld(run)
	}
	return held, left, nil
}

// newest refuses a run after which there was another of the stage.
func newest(ctx context.Context, store storage.Store, run, source string) error {
	runs, err := manifest.List(ctx, store, snapshots)
	if err != nil {
		return err
	}
	for _, other := range slices.Backward(runs) {
		if other <= run {
			return nil
		}
		m, err := manifest.Read(ctx, store, snapshots, other)
		if err != nil {
			return err
		}
		if m.Status != manifest.Failed {
			return manifest.HeldByOther("source "+source, run, other)
		}
	}
	return nil
}

// A holding is what a run holds of a source, and what for: a decision about it is about
// these very files, and covers no other check than those.
type holding struct {
	files  string   // the digest of the files, and of how they are read
	checks []string // that tripped, sorted; nil: not known, as of earlier programs
}

// String is the holding as reports and decisions keep it.
func (h holding) String() string { return h.files + " " + strings.Join(h.checks, ",") }

func parseHolding(text string) holding {
	files, checks, found := strings.Cut(text, " ")
	if !found {
		return holding{files: files}
	}
	return holding{files, strings.Split(checks, ",")}
}

// covers reports whether a decision about h is one about what other holds.
func (h holding) covers(other holding) bool {
	return h.files == other.files && (h.checks == nil || !slices.ContainsFunc(other.checks, func(check string) bool { return !slices.Contains(h.checks, check) }))
}

// holding is what a run holds of the source, if its verdict is to hold.
func (s *sourceRun) holding() holding {
	var checks []string
	for _, reason := range s.verdict.Reasons {
		checks = append(checks, reason.Check)
	}
	slices.Sort(checks)
	return holding{s.digest(), slices.Compact(checks)}
}

// digest is that of what a run would make of a source: its files and how they
// are read.
func (s *sourceRun) digest() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", s.def.Digest())
	for _, d := range s.offered {
		fmt.Fprintf(&b, "delivery %q\n", d.Version)
		for _, f := range d.Files {
			fmt.Fprintf(&b, "file %q %q %d %s %q\n", f.URL, f.Name, f.Size, f.ModTime.UTC().Format(time.RFC3339Nano), f.ETag)
		}
	}
	return fmt.Sprintf("%x", xxh3.HashString128(b.String()).Bytes())
}

// decided returns what was last decided about what a source brings, or nil: that it is
// rejected, or that it is approved in spite of all checks that it trips. That it is too
// old is a matter of its own.
func (r *run) decided(ctx context.Context, s *sourceRun) (*manifest.Decision, error) {
	all, err := r.decisions(ctx)
	if err != nil {
		return nil, err
	}
	now := s.holding()
	for _, d := range slices.Backward(all) {
		then := parseHolding(d.Held[s.def.Name])
		rejected := d.Action == manifest.Rejected && then.files == now.files && !slices.Contains(now.checks, maxAge)
		if d.Stage == stage && (rejected || then.covers(now)) {
			return d, nil
		}
	}
	return nil, nil
}

// decisions returns all decisions, which are read once.
func (r *run) decisions(ctx context.Context) (_ []*manifest.Decision, err error) {
	if r.decisionsRead == nil {
		if r.decisionsRead, err = manifest.Decisions(ctx, r.Store, ""); err != nil {
			return nil, err
		}
	}
	return r.decisionsRead, nil
}

// settle closes the hold of a source about which somebody decided: what was approved is
// taken. What was rejected leaves the last state without a hold, also where the guard
// lets it pass now; where there is no last state to go on with, it stays held.
func (r *run) settle(ctx context.Context, s *sourceRun) error {
	d, err := r.decided(ctx, s)
	if err != nil || d == nil || !s.verdict.Held() && d.Action == manifest.Approved {
		return err
	}
	if d.Action == manifest.Rejected && (s.previous == nil || !s.previous.fits(s.src)) {
		s.verdict.Verdict = guard.Hold
		s.verdict.Reasons = append(s.verdict.Reasons, guard.Reason{
			Check: "state", Text: "it was " + d.String() + ", and there is no earlier state with the columns that it is defined with now",
		})
		return nil
	}
	why := ""
	if s.verdict.Held() {
		why = s.verdict.Reasons[0].Text + ": "
	}
	r.report.warn(fmt.Sprintf("source %s: %s%s", s.def.Name, why, d))
	s.verdict, s.settled = pass, d.String()
	if d.Action == manifest.Rejected {
		s.plan = sourcePlan{action: keep, reason: "its deliveries were rejected"}
	}
	return nil
}

// maxAge is the check of a delivery that is too old.
const maxAge = "max_age"
