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
// without holding them again. A decision is about the very files that were held.
//
// What cannot be decided is a *manifest.RefusedError: the run holds no such
// source, or a newer run was made.
func Decide(ctx context.Context, o DecideOptions) (*manifest.Decision, error) {
	now, random := o.Now, o.Random
	if now == nil {
		now = time.Now
	}
	if random == nil {
		random = rand.Reader
	}
	held, err := heldBy(ctx, o.Store, o.Run, o.Sources)
	if err != nil {
		return nil, err
	}
	d := o.Decision
	d.At = now().UTC()
	d.ID, d.Stage, d.Run, d.Held = manifest.NewRun(d.At, random), stage, o.Run, held
	return &d, manifest.Record(ctx, o.Store, &d)
}

// heldBy returns the digests of what a run holds, by source.
func heldBy(ctx context.Context, store storage.Store, run string, sources []string) (map[string]string, error) {
	m, err := manifest.Read(ctx, store, snapshots, run)
	if err != nil {
		return nil, err
	}
	var report Report
	if err := json.Unmarshal(m.Report, &report); err != nil {
		return nil, fmt.Errorf("decode the report of run %s: %w", run, err)
	}
	held := map[string]string{}
	for name, s := range report.Sources {
		if s.Verdict == guard.Hold && (len(sources) == 0 || slices.Contains(sources, name)) {
			held[name] = s.Held
		}
	}
	for _, name := range sources {
		if _, found := held[name]; !found {
			return nil, manifest.NotHeld("source "+name, run)
		}
	}
	if len(held) == 0 {
		return nil, manifest.NothingHeld(run)
	}
	return held, newest(ctx, store, run, held)
}

// newest refuses a run after which there was another of the stage.
func newest(ctx context.Context, store storage.Store, run string, held map[string]string) error {
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
			return manifest.HeldByOther("source "+slices.Sorted(maps.Keys(held))[0], run, other)
		}
	}
	return nil
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

// decided returns what was last decided about what a source holds, or nil.
func (r *run) decided(ctx context.Context, s *sourceRun) (*manifest.Decision, error) {
	all, err := manifest.Decisions(ctx, r.Store, "")
	if err != nil {
		return nil, err
	}
	digest := s.digest()
	for _, d := range slices.Backward(all) {
		if d.Stage == stage && d.Held[s.def.Name] == digest {
			return d, nil
		}
	}
	return nil, nil
}

// settle closes the hold of a source about which somebody decided: what was
// approved is taken, what was rejected leaves the last state, without a hold.
func (r *run) settle(ctx context.Context, s *sourceRun) error {
	if !s.verdict.Held() {
		return nil
	}
	d, err := r.decided(ctx, s)
	if err != nil || d == nil {
		return err
	}
	r.report.warn(fmt.Sprintf("source %s: %s: %s", s.def.Name, s.verdict.Reasons[0].Text, d))
	s.verdict = pass
	if d.Action == manifest.Rejected {
		s.plan = sourcePlan{action: keep, reason: "its deliveries were rejected"}
	}
	return nil
}
