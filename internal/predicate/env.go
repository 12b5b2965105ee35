package predicate

import (
	"errors"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// An Env is what expressions of one place may refer to. It is safe for
// concurrent use.
type Env struct {
	schema offer.Schema
}

// A RowShape says which variables stand beside `row` in a source.
type RowShape struct {
	Item bool // the source is exploded: `item` is the element
	Path bool // the path pattern has names: `path.name`
}

// OfferOptions says what stands beside `offer`.
type OfferOptions struct {
	Now    bool   // `now`, the start of the run
	Shared Shared // `shared.name`
}

// RowEnv is the environment of a source's expressions: row, item and path are
// dynamic, an absent field is null.
func RowEnv(shape RowShape) *Env { return &Env{} }

// OfferEnv is the environment of expressions over offers of a schema.
func OfferEnv(schema offer.Schema, options OfferOptions) *Env { return &Env{schema: schema} }

// ItEnv is the environment of a join's expressions over the joined source's
// columns, as `it`.
func ItEnv(schema offer.Schema) *Env { return &Env{schema: schema} }

// Value compiles an expression of any type.
func (e *Env) Value(text diag.Text) (*Expr, diag.List) {
	return nil, diag.List{text.At(0, 1, "%v", errors.ErrUnsupported)}
}

// Predicate compiles an expression that must be a bool. Over source rows it may
// be dynamic.
func (e *Env) Predicate(text diag.Text) (*Expr, diag.List) {
	return nil, diag.List{text.At(0, 1, "%v", errors.ErrUnsupported)}
}

// CheckShared compiles every shared expression, used or not.
func (e *Env) CheckShared() diag.List { return nil }

// Shared is the named expressions that others use as `shared.name`.
type Shared map[string]diag.Text
