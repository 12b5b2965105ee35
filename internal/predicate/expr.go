package predicate

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// Reserved reports whether CEL does not allow a word after a dot.
func Reserved(word string) bool {
	return slices.Contains([]string{"true", "false", "null", "in"}, word)
}

// An Expr is a checked expression. It is safe for concurrent use.
type Expr struct {
	text    string
	meaning string
	typ     *types.Type
	column  offer.Type
	known   bool
	root    node
	chain   reader // of a plain chain of names, else nil
	path    []string
	paths   [][]string
	frames  sync.Pool
	parts   *Checked
}

// Text returns the expression as the user wrote it.
func (x *Expr) Text() string { return x.text }

// Place returns the text that a part of an expression stands in, which may be that of
// a shared one, and where in it; known is false where that is not known.
func (x *Expr) Place() (text diag.Text, offset int, known bool) {
	if x.parts == nil || x.parts.tree == nil {
		return diag.Text{}, 0, false
	}
	p := x.parts.tree.places[x.parts.root.ID()]
	if p.text == nil {
		return diag.Text{}, 0, false
	}
	return *p.text, p.offset, true
}

// Meaning returns the expression with the values of environment variables in it, for
// comparisons and digests: equal ones mean the same where the same shared expressions
// are. It may hold secrets, so it is neither shown nor stored.
func (x *Expr) Meaning() string { return x.meaning }

// Type returns the type of a column for the expression's value; known is false
// for dynamic values and for those that no column can hold. A computed timestamp
// is never a date, nor a computed double a decimal.
func (x *Expr) Type() (t offer.Type, known bool) { return x.column, x.known }

// TypeName is what people call the value's type in CEL, whether it may be null or not.
func (x *Expr) TypeName() string {
	name := strings.NewReplacer("google.protobuf.Duration", "duration", "google.protobuf.Timestamp", "timestamp").Replace(x.typ.String())
	return wrapped.ReplaceAllString(name, "$1")
}

var wrapped = regexp.MustCompile(`wrapper\((\w+)\)`)

// Sortable reports whether values of the type have an order, or may have one.
func (x *Expr) Sortable() bool {
	switch x.typ.Kind() {
	case types.ListKind, types.MapKind, types.StructKind, types.OpaqueKind, types.TypeKind, types.BytesKind, types.UintKind:
		return false
	default:
		return true
	}
}

// Storable reports whether a column, of whatever type, may hold values of the type.
func (x *Expr) Storable() bool {
	switch x.typ.Kind() {
	case types.ListKind, types.MapKind, types.StructKind, types.OpaqueKind:
		return x.known
	case types.TypeKind, types.DurationKind:
		return false
	default:
		return true
	}
}

// Path returns the chain of names of an expression that only selects, root
// first: offer.shop.name is ["offer", "shop", "name"], row["a.b"] is ["row",
// "a.b"]. The slice must not be changed.
func (x *Expr) Path() ([]string, bool) { return x.path, x.path != nil }

// Paths returns every chain of names that the expression reads, as long as it is
// static, each once, sorted: offer.prices[0].net reads ["offer", "prices"]. The
// slices must not be changed.
func (x *Expr) Paths() [][]string { return x.paths }

// AddColumns adds the offer's columns that expressions read to a set; what reads the
// offer as a whole reads all of the schema.
func AddColumns(read map[string]bool, schema offer.Schema, expressions ...*Expr) {
	for _, x := range expressions {
		for _, path := range x.Paths() {
			switch {
			case path[0] != "offer":
			case len(path) > 1:
				read[path[1]] = true
			default:
				for _, f := range schema {
					read[f.Name] = true
				}
			}
		}
	}
}

// Eval returns the value as a plain value; its texts may be views of the batch,
// its lists and maps parts of the row. Null, and an error caused by null, are
// nil, nil; any other error is an *EvalError.
func (x *Expr) Eval(v *Vars) (any, error) {
	value, err := x.eval(v)
	if err == nil {
		return value, nil
	}
	var c *cause
	if errors.As(err, &c) && c.byNull() {
		return nil, nil
	}
	return nil, &EvalError{Text: x.text, Cause: err}
}

func (x *Expr) eval(v *Vars) (any, error) {
	if x.chain != nil {
		return x.chain.plain(v)
	}
	result := x.run(v)
	if err, ok := result.(*types.Err); ok {
		return nil, err.Unwrap()
	}
	return plain(result)
}

// Decide says whether the predicate is true of v, and when it could not be
// decided also why; the error's text is put together when it is asked for.
func (x *Expr) Decide(v *Vars) (Outcome, error) {
	switch result := x.run(v).(type) {
	case types.Bool:
		if result {
			return True, nil
		}
		return False, nil
	case types.Null:
		return Undecided, &EvalError{Text: x.text, Cause: errors.New("the condition is null")}
	case *types.Err:
		return x.undecided(result.Unwrap())
	default:
		return Failed, &EvalError{Text: x.text, Cause: fmt.Errorf("the condition is a %s", result.Type().TypeName())}
	}
}

func (x *Expr) undecided(err error) (Outcome, error) {
	outcome := Failed
	if c, ok := err.(*cause); ok && c.byNull() {
		outcome = Undecided
	}
	return outcome, &EvalError{Text: x.text, Cause: err}
}

// run evaluates the expression. As in cel-go a panic of a function is an error.
func (x *Expr) run(v *Vars) (result ref.Val) {
	f := x.frames.Get().(*frame)
	f.vars = v
	defer func() {
		if r := recover(); r != nil {
			result = types.NewErr("internal error: %v", r)
		}
		f.vars = nil
		clear(f.slots)
		x.frames.Put(f)
	}()
	return x.root.eval(f)
}

// An Outcome is what a predicate says about a row.
type Outcome uint8

// The outcomes. Only True takes the row.
const (
	False     Outcome = iota
	True              // the value is true
	Undecided         // null, or an error caused by null
	Failed            // an error that null did not cause
)

func (o Outcome) String() string {
	return [...]string{False: "false", True: "true", Undecided: "undecided", Failed: "failed"}[o]
}

// An EvalError is why an expression has no value for a row.
type EvalError struct {
	Text  string // the expression
	Cause error
}

func (e *EvalError) Error() string { return e.Cause.Error() }

func (e *EvalError) Unwrap() error { return e.Cause }
