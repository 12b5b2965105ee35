package predicate

import (
	"errors"

	"github.com/feedmill/feedmill/internal/offer"
)

// An Expr is a checked expression. It is safe for concurrent use.
type Expr struct {
	text string
}

// Text returns the expression as the user wrote it.
func (x *Expr) Text() string { return x.text }

// Type returns the type of the expression's value; known is false for dynamic
// ones and for those that no column can hold.
func (x *Expr) Type() (t offer.Type, known bool) { return offer.Type{}, false }

// Path returns the chain of names of an expression that only selects, root
// first: offer.shop.name is ["offer", "shop", "name"], row["a.b"] is ["row",
// "a.b"].
func (x *Expr) Path() ([]string, bool) { return nil, false }

// Paths returns every chain of names that the expression reads, each once,
// sorted.
func (x *Expr) Paths() [][]string { return nil }

// Eval returns the value as a plain value. Null and an error caused by null are
// nil, nil; any other error is an *EvalError.
func (x *Expr) Eval(v *Vars) (any, error) { return nil, errors.ErrUnsupported }

// Decide says whether the predicate is true of v, and why it could not be
// decided.
func (x *Expr) Decide(v *Vars) (Outcome, string) { return Failed, "" }

// An Outcome is what a predicate says about a row.
type Outcome uint8

// The outcomes. Only True takes the row.
const (
	False     Outcome = iota
	True              // the value is true
	Undecided         // null, or an error caused by null
	Failed            // an error that null did not cause
)

// An EvalError is why an expression has no value for a row.
type EvalError struct {
	Text   string // the expression
	Reason string
}

func (e *EvalError) Error() string { return e.Reason }
