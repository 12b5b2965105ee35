package diff

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/field"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/workspace"
)

// definitionVersion changes when the same definition makes other events. History:
//
//	1: the first.
const definitionVersion = 1

// A plan is what a run does with an offer, whichever it is.
type plan struct {
	feeds   []*plannedFeed // by name
	choices choose.Plan
	schema  offer.Schema
	program *eval.Program
	columns []string // of the snapshot that anything reads, the key first
}

// has reports whether an event feed is planned.
func (p *plan) has(name string) bool {
	return slices.ContainsFunc(p.feeds, func(f *plannedFeed) bool { return f.Name == name })
}

// A plannedFeed is an event feed and where it is in the plan.
type plannedFeed struct {
	*feed.EventFeed
	predicate  int
	fields     *field.Program
	definition string
	fieldsKey  string         // digest of the definition of its fields
	choice     *choose.Choice // nil: it takes all that its predicate selects
}

// newPlan plans the event feeds that are enabled.
func newPlan(ws *workspace.Workspace) *plan {
	p := &plan{schema: ws.Schema}
	var predicates []*predicate.Expr
	read := map[string]bool{offer.Key: true}
	for _, f := range ws.Events {
		if !f.Enabled {
			continue
		}
		at := slices.IndexFunc(predicates, func(x *predicate.Expr) bool { return x.Meaning() == f.Where.Meaning() })
		if at < 0 {
			at = len(predicates)
			predicates = append(predicates, f.Where)
		}
		planned := &plannedFeed{
			EventFeed: f, predicate: at, fields: field.Compile(f.Fields),
			definition: definition(ws, f), fieldsKey: fieldsKey(ws, f),
		}
		if f.Choose != nil {
			planned.choice = p.choices.Add(f.Choose, f.Where)
		}
		p.feeds = append(p.feeds, planned)
		predicate.AddColumns(read, p.schema, decided(f)...)
	}
	p.program = eval.Compile(predicates)
	p.columns = p.ordered(read)
	return p
}

// ordered returns columns in the schema's order.
func (p *plan) ordered(read map[string]bool) []string {
	var out []string
	for _, f := range p.schema {
		if read[f.Name] {
			out = append(out, f.Name)
		}
	}
	return out
}

// columnsOf returns the columns that some expressions read, the key with them.
func (p *plan) columnsOf(expressions []*predicate.Expr) []string {
	read := map[string]bool{offer.Key: true}
	predicate.AddColumns(read, p.schema, expressions...)
	return p.ordered(read)
}

// everything returns the columns that any phase reads.
func (p *plan) everything() []string {
	read := map[string]bool{offer.Key: true}
	for _, f := range p.feeds {
		predicate.AddColumns(read, p.schema, append(decided(f.EventFeed), f.Choose.Expressions()...)...)
	}
	return p.ordered(read)
}

// decided are the expressions that say which offers a feed takes of those that
// compete, and what of them.
func decided(f *feed.EventFeed) []*predicate.Expr {
	out := []*predicate.Expr{f.Where}
	for _, field := range f.Fields {
		out = append(out, field.Value)
	}
	return out
}

// usesNow reports whether what the feed holds depends on the time of the run.
func (f *plannedFeed) usesNow() bool {
	all := append(decided(f.EventFeed), f.Choose.Expressions()...)
	return slices.ContainsFunc(all, func(x *predicate.Expr) bool {
		return slices.ContainsFunc(x.Paths(), func(path []string) bool { return path[0] == "now" })
	})
}

// definition digests everything that determines an event feed's events.
func definition(ws *workspace.Workspace, f *feed.EventFeed) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\nname %s\ndestinations %q %q\nrefresh %s\n", definitionVersion, f.Name, f.Destinations, f.Catalog, f.Refresh)
	fmt.Fprintf(&b, "where %s", ws.Shared.Describe(f.Where))
	if f.Choose != nil {
		fmt.Fprintf(&b, "take %d %t\n", f.Choose.Take, f.Choose.Per != nil)
		for _, x := range f.Choose.Expressions() {
			fmt.Fprintf(&b, "choose %s", ws.Shared.Describe(x))
		}
		for _, o := range f.Choose.By {
			fmt.Fprintf(&b, "descending %t\n", o.Desc)
		}
	}
	return digest(b.String() + fieldsKey(ws, f))
}

// fieldsKey digests the definition of the fields.
func fieldsKey(ws *workspace.Workspace, f *feed.EventFeed) string {
	var b strings.Builder
	for _, field := range f.Fields {
		fmt.Fprintf(&b, "field %s %s", field.Name, ws.Shared.Describe(field.Value))
	}
	return digest(b.String())
}

func digest(text string) string { return fmt.Sprintf("%x", xxh3.HashString128(text).Bytes()) }

// due reports whether an offer that was last sent at a time is to be sent again:
// after the refresh time, less a part of its last quarter that follows from the
// offer's hash, so that what was sent at once does not come back at once.
func (f *plannedFeed) due(hash uint64, sent, now time.Time) bool {
	if f.Refresh <= 0 {
		return false
	}
	early := time.Duration(float64(f.Refresh/4) * float64(uint32(hash)) / (1 << 32))
	return !now.Before(sent.Add(f.Refresh - early))
}
