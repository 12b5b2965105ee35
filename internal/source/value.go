package source

import (
	"github.com/feedmill/feedmill/internal/predicate"
)

// A value is something that a row gives: the key, the order, a column.
type value struct {
	place   string // of mistakes in a row: key, order, a column's name
	field   *node  // read directly; nil where expr is evaluated
	instead *node  // of row, where field is absent from item
	inItem  bool   // field is of item
	expr    *predicate.Expr
}

// A rowError rejects one row.
type rowError struct {
	place  string
	reason string
}

func (e *rowError) Error() string { return e.place + ": " + e.reason }

func rejectAt(place string, err error) *rowError { return &rowError{place: place, reason: err.Error()} }

// A row is what the expressions of one row see: cells of its fields, and plain
// values made of them when an expression needs them.
type row struct {
	source *Source
	fields []cell // by the id of a node of row
	item   []cell // by the id of a node of item
	vars   predicate.Vars
	made   struct{ row, item bool }
	ready  cell // the result of an expression
}

// get returns the cell of a value. It is good until the next call.
func (r *row) get(v *value) (*cell, error) {
	if v.expr == nil {
		return r.field(v)
	}
	if err := r.make(); err != nil {
		return nil, err
	}
	result, err := v.expr.Eval(&r.vars)
	if err != nil {
		return nil, err
	}
	r.ready = plainCell(result)
	return &r.ready, nil
}

func (r *row) field(v *value) (*cell, error) {
	cells := r.fields
	if v.inItem {
		cells = r.item
	}
	if c := &cells[v.field.id]; c.kind != absent {
		return c, nil
	}
	if v.instead != nil {
		return lookUp(r.fields, v.instead)
	}
	return lookUp(cells, v.field)
}

// lookUp returns a node's cell. Selecting from null gives null, selecting from
// anything else that is not an object is an error.
func lookUp(cells []cell, n *node) (*cell, error) {
	c := &cells[n.id]
	if c.kind != absent {
		return c, nil
	}
	for n = n.parent; n != nil; n = n.parent {
		if above := &cells[n.id]; above.kind != absent {
			return c, above.selectable(n.path)
		}
	}
	return c, nil
}

// make gives the expressions their plain values.
func (r *row) make() error {
	var err error
	if !r.made.row && r.source.row.root.inCEL {
		if r.vars.Row, err = assemble(r.source.row.root, r.fields); err != nil {
			return err
		}
	}
	if !r.made.item && r.source.item.root.inCEL {
		if r.vars.Item, err = assemble(r.source.item.root, r.item); err != nil {
			return err
		}
	}
	r.made.row, r.made.item = true, true
	return nil
}

// assemble returns the plain value of a node, with those of its fields that
// expressions read.
func assemble(n *node, cells []cell) (any, error) {
	if c := &cells[n.id]; c.kind != open {
		return c.plain()
	}
	members := make(map[string]any, len(n.children))
	for _, c := range n.children {
		if !c.inCEL || cells[c.id].kind == absent {
			continue
		}
		v, err := assemble(c, cells)
		if err != nil {
			return nil, err
		}
		members[c.name] = v
	}
	return members, nil
}
