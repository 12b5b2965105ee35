package history

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A planner decides what goes. It keeps a run for a reason, and what that run
// refers to because of it.
type planner struct {
	*inventory
	retention workspace.Retention
	kept      map[ref]string // why
	out       plan
}

// A plan is what gc removes: first the manifests, in this order, so that no run
// is there without what it refers to; then everything else.
type plan struct {
	manifests []storage.Info
	objects   []storage.Info
	leftovers []storage.Leftover
	removed   []Removed
	kept      []Kept
	lost      []error // what could not be read, so that more is kept than has to be
}

func newPlan(v *inventory, retention workspace.Retention) *plan {
	p := &planner{inventory: v, retention: retention, kept: map[ref]string{}}
	for _, kind := range slices.Sorted(maps.Keys(v.unknown)) {
		p.out.lost = append(p.out.lost, fmt.Errorf("all runs of %s stay: %w", kind, v.unknown[kind]))
	}
	for _, r := range sorted(v.runs) {
		if err := v.runs[r].lost; err != nil {
			p.keepLost(r, err)
		}
	}
	p.keepRuns(part.Kind, retention.Feeds)
	p.keepRuns(snapshot.Prefix, retention.Snapshots)
	p.keepRuns(event.Kind, retention.Events)
	p.removeRuns(part.Kind)
	p.removeRuns(snapshot.Prefix)
	p.removeRuns(event.Kind)
	p.removeStates()
	p.removeRejects()
	p.removeScratch()
	p.removeControl()
	p.discardBegun()
	for _, r := range sorted(p.kept) {
		p.out.kept = append(p.out.kept, Kept{Kind: r.kind, Run: r.run, Why: p.kept[r]})
	}
	return &p.out
}

func sorted[V any](of map[ref]V) []ref {
	return slices.SortedFunc(maps.Keys(of), func(a, b ref) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.run, b.run))
	})
}

// keepRuns keeps the runs of a kind that are of use by themselves, each with what
// it needs to be published.
func (p *planner) keepRuns(kind string, retention time.Duration) {
	current := p.current[kind]
	p.keep(ref{kind, current.Run}, "current")
	if kind == part.Kind {
		p.keep(ref{kind, p.withheld}, "held")
	}
	for _, r := range sorted(p.runs) {
		s := p.runs[r]
		switch {
		case r.kind != kind || s.record == nil:
		case p.unknown[kind] != nil:
			p.keep(r, mayBeCurrent)
		case retention == 0 || p.now.Sub(s.record.Finished) < retention:
			p.keep(r, "retention")
		case p.lately[r] || p.now.Sub(s.record.Finished) < p.retention.Grace:
			p.keep(r, "grace")
		}
	}
}

// mayBeCurrent is why runs are kept when it cannot be known which is or was current.
const mayBeCurrent = "may be current"

// keep keeps a run with the objects it took over, and what it refers to if it may
// be published or is what generate goes on from.
func (p *planner) keep(r ref, why string) {
	s := p.runs[r]
	if s == nil || s.record == nil {
		return
	}
	if p.kept[r] == "" {
		p.kept[r] = why
	}
	for _, needed := range s.record.partOf {
		p.keepNeeded(needed)
	}
	if s.record.publishable != nil && why != "held" && why != mayBeCurrent {
		return
	}
	for _, needed := range s.record.needs {
		p.keepNeeded(needed)
	}
	if why == "current" || why == "held" || why == mayBeCurrent {
		for _, used := range s.record.uses {
			p.keep(used, "used")
		}
	}
}

// keepNeeded keeps a run whose objects are needed, and those whose objects are its
// own.
func (p *planner) keepNeeded(r ref) {
	s := p.runs[r]
	if s == nil || p.kept[r] != "" {
		return
	}
	if s.record == nil {
		p.keepLost(r, fmt.Errorf("run %s of %s has no manifest any more, and other runs need it", r.run, r.kind))
		return
	}
	p.kept[r] = "needed"
	for _, needed := range s.record.partOf {
		p.keepNeeded(needed)
	}
}

// keepLost keeps a run whose manifest cannot be read, with all that it may refer to:
// what was there before its last object was written.
func (p *planner) keepLost(r ref, why error) {
	p.kept[r] = "cannot be read"
	p.out.lost = append(p.out.lost, why)
	for _, other := range sorted(p.runs) {
		if s := p.runs[other]; mayNeed(r.kind, other.kind) && !s.oldest.After(p.runs[r].newest) {
			p.keep(other, "may be needed")
		}
	}
}

// mayNeed reports whether runs of a kind refer to those of another: see the comment
// of the package.
func mayNeed(kind, other string) bool {
	switch kind {
	case other:
		return true
	case snapshot.Prefix:
		return strings.HasPrefix(other, sourcesFolder)
	case part.Kind:
		return other == snapshot.Prefix
	case event.Kind:
		return strings.HasPrefix(other, statesFolder)
	}
	return false
}

// removeRuns removes the runs of a kind that are not kept, and of those that are
// what they did not list. The newest go first, since they refer to older ones.
func (p *planner) removeRuns(kind string) {
	for _, r := range slices.Backward(sorted(p.runs)) {
		s := p.runs[r]
		switch {
		case r.kind != kind:
		case s.record == nil && p.kept[r] != "": // it cannot be read
		case s.record == nil:
			if p.abandoned(stageOf(kind), r.run, s) {
				p.remove(r.kind, r.run, "it was not committed", s)
			}
		case p.kept[r] == "":
			p.remove(r.kind, r.run, "retention", s)
		default:
			p.removeUnlisted(r, s)
		}
	}
}

// progressFolder is where a run of diff notes what was sent, after its manifest.
const progressFolder = "/progress/"

// removeUnlisted removes what a run left that failed after it wrote.
func (p *planner) removeUnlisted(r ref, s *stored) {
	listed := map[string]bool{manifest.Name(r.kind, r.run): true}
	for _, o := range s.record.Objects {
		listed[o.Name] = true
	}
	rest := &stored{}
	for _, info := range s.objects {
		if !listed[info.Name] && !strings.HasPrefix(info.Name, r.kind+"/"+r.run+progressFolder) {
			rest.add(info)
		}
	}
	if len(rest.objects) > 0 && p.abandoned(stageOf(r.kind), r.run, rest) {
		p.remove(r.kind, r.run, "not in its manifest", rest)
	}
}

// removeStates removes states of sources that no snapshot needs, and of event feeds
// that diff does not go on from.
func (p *planner) removeStates() {
	for _, r := range sorted(p.runs) {
		s := p.runs[r]
		run, ofFeed := strings.CutPrefix(r.kind, statesFolder)
		switch {
		case p.kept[r] != "":
		case strings.HasPrefix(r.kind, sourcesFolder) && p.abandoned("aggregate", r.run, s):
			p.remove(r.kind, r.run, "no snapshot needs it", s)
		case ofFeed && p.abandoned("diff", run, s):
			p.remove(r.kind, r.run, "the destinations have another", s)
		}
	}
}

// removeRejects removes the rejected rows of runs that are gone.
func (p *planner) removeRejects() {
	for _, run := range slices.Sorted(maps.Keys(p.rejects)) {
		if p.kept[ref{snapshot.Prefix, run}] == "" && p.abandoned("aggregate", run, p.rejects[run]) {
			p.remove(rejectsFolder, run, "its run is gone", p.rejects[run])
		}
	}
}

// removeScratch removes the working files of runs that are over.
func (p *planner) removeScratch() {
	for _, run := range slices.Sorted(maps.Keys(p.scratch)) {
		for _, stage := range slices.Sorted(maps.Keys(p.scratch[run])) {
			if s := p.scratch[run][stage]; !p.alive(stage, run) {
				p.remove("tmp", run, "its run is over", s)
			}
		}
	}
}

// removeControl removes the history of pointers, notes and leases that is older
// than that of runs. The last of each stays.
func (p *planner) removeControl() {
	for _, folder := range slices.Sorted(maps.Keys(p.control)) {
		infos := p.control[folder]
		old := &stored{}
		for i, info := range infos[:len(infos)-1] {
			if p.now.Sub(infos[i+1].ModTime) >= p.keptFor(folder) && p.keptFor(folder) > 0 {
				old.add(info)
			}
		}
		if len(old.objects) > 0 {
			p.remove(folder, "", "history", old)
		}
	}
}

// discardBegun discards what writers that died left: nobody wrote it within the
// grace time, nor since a stage that is at work began.
func (p *planner) discardBegun() {
	removed := map[string]*Removed{}
	for _, l := range p.begun {
		if p.now.Sub(l.ModTime) < p.retention.Grace || p.writing(l.ModTime) {
			continue
		}
		kind, _, _ := strings.Cut(l.Name, "/")
		if removed[kind] == nil {
			removed[kind] = &Removed{Kind: kind, Why: "never finished"}
		}
		removed[kind].Objects++
		removed[kind].Bytes += l.Size
		p.out.leftovers = append(p.out.leftovers, l)
	}
	for _, kind := range slices.Sorted(maps.Keys(removed)) {
		p.out.removed = append(p.out.removed, *removed[kind])
	}
}

// writing reports whether what was written at a time may be of a stage at work,
// or of a lease or pointer that is just being made.
func (p *planner) writing(t time.Time) bool {
	for _, since := range p.busy {
		if !t.Before(since.Add(-startup)) {
			return true
		}
	}
	return p.now.Sub(t) < startup
}

// keptFor is how long a control object is kept behind the next one; 0 is for
// ever.
func (p *planner) keptFor(folder string) time.Duration {
	grace := max(p.retention.Grace, time.Minute)
	switch folder {
	case part.Kind + "/" + currentName:
		return atLeast(p.retention.Feeds, grace)
	case snapshot.Prefix + "/" + currentName:
		return atLeast(p.retention.Snapshots, grace)
	case event.Kind + "/" + currentName:
		return atLeast(p.retention.Events, grace)
	default:
		return grace
	}
}

func atLeast(retention, grace time.Duration) time.Duration {
	if retention == 0 {
		return 0
	}
	return max(retention, grace)
}

// startup is more than passes between a run's start and its lease.
const startup = 10 * time.Minute

// alive reports whether a run may be at work.
func (p *planner) alive(stage, run string) bool {
	since, busy := p.busy[stage]
	started, _ := manifest.RunTime(run)
	return busy && !started.Before(since.Add(-startup))
}

// abandoned reports whether objects of a run will not be needed: it is not at
// work, and nobody wrote them within the grace time.
func (p *planner) abandoned(stage, run string, s *stored) bool {
	return !p.alive(stage, run) && p.now.Sub(s.newest) >= p.retention.Grace
}

func stageOf(kind string) string {
	for stage, k := range kinds {
		if k == kind {
			return stage
		}
	}
	return ""
}

// remove plans the removal of a run's objects, the manifest first.
func (p *planner) remove(kind, run, why string, s *stored) {
	for _, info := range s.objects {
		if s.record != nil && info.Name == manifest.Name(kind, run) {
			p.out.manifests = append(p.out.manifests, info)
		} else {
			p.out.objects = append(p.out.objects, info)
		}
	}
	p.out.removed = append(p.out.removed, Removed{Kind: kind, Run: run, Why: why, Objects: len(s.objects), Bytes: s.bytes})
}
