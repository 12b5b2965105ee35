package generate

import (
	"fmt"
	"maps"
	"slices"

	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A plan is what a run does with an offer, whichever it is. It follows from the
// workspace and the names of the feeds alone, so that every process that carries
// out tasks of a run makes the same.
type plan struct {
	feeds      []*plannedFeed // by name
	predicates []*predicate.Expr
	renderings []*rendering
	choices    choose.Plan
	schema     offer.Schema
	columns    []string // of the snapshot that anything reads, the key first
}

// A plannedFeed is a feed and where its parts are in the plan.
type plannedFeed struct {
	*feed.Feed
	place     int // in the plan
	predicate int
	rendering *rendering
	number    int            // in the rendering
	choice    *choose.Choice // nil: it takes all that its predicate selects
}

// newPlan plans the feeds of the given names, or all that are enabled.
func newPlan(ws *workspace.Workspace, names []string) (*plan, error) {
	feeds, err := chosenFeeds(ws, names)
	if err != nil {
		return nil, err
	}
	p := &plan{schema: ws.Schema}
	for _, f := range feeds {
		planned := &plannedFeed{Feed: f, place: len(p.feeds)}
		planned.predicate = p.addPredicate(f.Where)
		p.addRendering(ws, planned)
		if f.Choose != nil {
			planned.choice = p.choices.Add(f.Choose, f.Where)
		}
		p.feeds = append(p.feeds, planned)
	}
	p.nameRenderings()
	p.columns = p.readColumns(nil)
	return p, nil
}

// chosenFeeds returns the enabled feeds, or of them those named, by name.
func chosenFeeds(ws *workspace.Workspace, names []string) ([]*feed.Feed, error) {
	enabled := map[string]*feed.Feed{}
	for _, f := range ws.Feeds {
		if f.Enabled {
			enabled[f.Name] = f
		}
	}
	known := slices.Sorted(maps.Keys(enabled))
	if len(names) == 0 {
		names = known
	}
	var out []*feed.Feed
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		f, found := enabled[name]
		if !found {
			return nil, fmt.Errorf("there is no enabled feed %s", name)
		}
		out = append(out, f)
	}
	return out, nil
}

// addPredicate returns the place of a predicate; one that means the same has it
// already.
func (p *plan) addPredicate(x *predicate.Expr) int {
	at := slices.IndexFunc(p.predicates, func(y *predicate.Expr) bool { return x.Meaning() == y.Meaning() })
	if at < 0 {
		at = len(p.predicates)
		p.predicates = append(p.predicates, x)
	}
	return at
}

// expressions returns everything that is evaluated for a feed.
func (f *plannedFeed) expressions() []*predicate.Expr {
	out := []*predicate.Expr{f.Where}
	for _, field := range f.Fields {
		out = append(out, field.Value)
	}
	return append(out, f.Choose.Expressions()...)
}

// readColumns returns the columns that expressions and templates of renderings
// read, in the schema's order; nil renderings are all.
func (p *plan) readColumns(of map[*rendering]bool) []string {
	read := map[string]bool{}
	for _, f := range p.feeds {
		if of == nil || of[f.rendering] {
			predicate.AddColumns(read, p.schema, f.expressions()...)
		}
	}
	for _, r := range p.renderings {
		if of != nil && !of[r] {
			continue
		}
		for _, name := range r.template.Columns() {
			read[name] = true
		}
	}
	return p.ordered(read)
}

// columnsOf returns the columns that some expressions read.
func (p *plan) columnsOf(expressions []*predicate.Expr) []string {
	read := map[string]bool{}
	predicate.AddColumns(read, p.schema, expressions...)
	return p.ordered(read)
}

// ordered returns the columns in the schema's order, the key with them.
func (p *plan) ordered(read map[string]bool) []string {
	var out []string
	for _, f := range p.schema {
		if read[f.Name] || f.Name == offer.Key {
			out = append(out, f.Name)
		}
	}
	return out
}

// usesNow reports whether what the feed holds depends on the time of the run.
func (f *plannedFeed) usesNow() bool {
	return slices.ContainsFunc(f.expressions(), readsNow)
}

func readsNow(x *predicate.Expr) bool {
	return slices.ContainsFunc(x.Paths(), func(path []string) bool { return path[0] == "now" })
}
