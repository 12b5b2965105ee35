// Package feed holds the definitions of feeds and event feeds: which offers,
// in what shape, how many, for whom.
//
// Its promise: a definition that the workspace loader hands out is complete and
// checked, so that stages never meet a mistake of the user's in it.
package feed

import (
	"time"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A Feed is a named XML document of offers.
type Feed struct {
	Name      string    // [a-z0-9-]+
	Place     diag.Text // the name where it stands
	Template  string
	Where     *predicate.Expr
	Condition diag.Text         // Where as it was written
	Fields    []Field           // by name
	Params    map[string]string // what the template sees as .params
	Written   map[string]string // the params as they were written
	Choose    *Choose           // nil: every offer that satisfies Where
	Limits    Limits
	Guard     guard.Limits // the workspace's, overridden by the feed's own
	Republish time.Duration
	Enabled   bool
}

// DefaultRepublish is how long an unchanged feed keeps its published bytes.
const DefaultRepublish = 24 * time.Hour

// A Field is a named expression: what a template sees as .fields.name and what
// an event carries.
type Field struct {
	Name  string
	Place diag.Text // the name where it stands
	Value *predicate.Expr
}

// Choose groups the offers of a feed and keeps the best of each group.
type Choose struct {
	Per  *predicate.Expr // of the value null: the offer competes alone; nil: all compete in one group
	By   []Order         // nulls last; ties by id
	Take int
}

// Expressions returns what is evaluated to choose, of nil nothing.
func (c *Choose) Expressions() []*predicate.Expr {
	if c == nil {
		return nil
	}
	var out []*predicate.Expr
	if c.Per != nil {
		out = append(out, c.Per)
	}
	for _, o := range c.By {
		out = append(out, o.Value)
	}
	return out
}

// An Order is one sort key.
type Order struct {
	Value *predicate.Expr
	Desc  bool
}

// Limits are the most that one file of a feed may hold; zero is no limit. A feed
// with a limit is numbered.
type Limits struct {
	Items int64
	Bytes int64 // uncompressed
}

// Numbered reports whether the feed consists of numbered files.
func (l Limits) Numbered() bool { return l.Items > 0 || l.Bytes > 0 }
