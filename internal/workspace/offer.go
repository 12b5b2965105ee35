package workspace

import (
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// An OfferDefinition says how an offer is put together from sources.
type OfferDefinition struct {
	From    []string // sources; the offer's id is their key
	Joins   []Join   // in order of reference
	Columns []Derived
	Hidden  []string // columns of Full that Schema leaves out
}

// A Join adds the rows of another source to an offer, as a struct or, with Many,
// as a list of structs.
type Join struct {
	Name   string // of the column it makes
	Source string
	On     *predicate.Expr // over the offer as it stands before this join
	By     string          // the source's column that On is compared with; empty: its key
	Many   bool
	Where  *predicate.Expr // over `it`; nil: every row
	Order  []Order         // over `it`
	Limit  int             // of Many: more rows than this are an error; zero: no limit
	Type   offer.Type      // of the column it makes
}

// An Order is one sort key; nulls come last.
type Order struct {
	Expr *predicate.Expr
	Desc bool
}

// A Derived is a column computed from the offer as it stands before it.
type Derived struct {
	Name  string
	Type  offer.Type
	Value *predicate.Expr
}
