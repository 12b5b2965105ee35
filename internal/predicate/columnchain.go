package predicate

import (
	"fmt"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/feedmill/feedmill/internal/offer"
)

// A columnChain reads a column of the offer, a field of its structs or a value of
// its maps.
type columnChain struct {
	site
	joined bool // of `it`, not `offer`
	typ    *structType
	steps  []step
}

// A step goes to a field of a struct, or to a key of a map when field is -1.
type step struct {
	field int
	key   string
}

func (e *Env) columnChain(expr ast.Expr, names []string) reader {
	typ := e.structs["@"+names[0]]
	if typ == nil {
		return nil
	}
	c := &columnChain{site: newSite(nil, expr), joined: names[0] == itRoot, typ: typ}
	t, inner := offer.StructOf(typ.fields...), typ
	for _, name := range names[1:] {
		switch t.Kind {
		case offer.Struct:
			i := inner.index(name)
			if i < 0 {
				return nil
			}
			c.steps = append(c.steps, step{field: i})
			t, inner = inner.fields[i].Type, inner.inner[i]
		case offer.Map:
			c.steps = append(c.steps, step{field: -1, key: name})
			t = *t.Elem
		default:
			return nil
		}
	}
	return c
}

// typeOfChain is the column type at the end of a chain of names.
func (e *Env) typeOfChain(names []string) (offer.Type, bool) {
	typ := e.structs["@"+names[0]]
	if typ == nil {
		return offer.Type{}, false
	}
	t := offer.StructOf(typ.fields...)
	for _, name := range names[1:] {
		switch t.Kind {
		case offer.Struct:
			t, _ = t.Field(name)
		case offer.Map:
			t = *t.Elem
		}
	}
	return t, true
}

// find returns where the first n steps lead; a nil column says that they end in
// null, or in an error.
func (c *columnChain) find(v *Vars, n int) (column, int, error) {
	r := v.Offer
	if c.joined {
		r = v.It
	}
	if r.Batch == nil {
		return nil, 0, &cause{written: c.written, err: fmt.Errorf("there is no %s", c.typ.title)}
	}
	var at column = r.Batch.view(c.typ)
	row := r.Index
	for _, s := range c.steps[:n] {
		if at.null(row) {
			return nil, 0, nil
		}
		if at, row = s.from(at, row); row < 0 {
			return nil, 0, &cause{written: c.written, err: fmt.Errorf("no such key: %s", s.key)}
		}
		if a, ok := at.(absent); ok {
			return nil, 0, a.err
		}
	}
	return at, row, nil
}

// from goes a step from a row that is not null; a row below 0 says that the key
// is missing.
func (s step) from(at column, row int) (column, int) {
	switch in := at.(type) {
	case *structColumn:
		return in.fields[s.field], row
	case mapColumn:
		return in.elems, in.lookUp(row, s.key)
	default:
		panic(fmt.Sprintf("predicate: a step from a %T", at))
	}
}

func (c *columnChain) eval(f *frame) ref.Val {
	at, row, err := c.find(f.vars, len(c.steps))
	if err != nil {
		return types.WrapErr(err)
	}
	if at == nil {
		return types.NullValue
	}
	return at.value(row)
}

func (c *columnChain) plain(v *Vars) (any, error) {
	at, row, err := c.find(v, len(c.steps))
	if at == nil {
		return nil, err
	}
	return at.plain(row), nil
}

func (c *columnChain) has(f *frame) ref.Val {
	last := len(c.steps) - 1
	at, row, err := c.find(f.vars, last)
	if err != nil {
		return types.WrapErr(err)
	}
	if at == nil || at.null(row) {
		return types.False
	}
	at, row = c.steps[last].from(at, row)
	if a, ok := at.(absent); ok {
		return types.WrapErr(a.err)
	}
	return types.Bool(row >= 0 && at.present(row))
}
