package source

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/offer"
)

// A vector is the values of a node over the rows of a record, or the elements of
// a list.
type vector struct {
	values arrow.Array   // nil where there is no such field
	above  []arrow.Array // structs around it that have nulls
	void   bool          // it is of the type that has no values
}

func newVector(values arrow.Array, above []arrow.Array) vector {
	return vector{values, above, values.DataType().ID() == arrow.NULL}
}

// under reports whether the i-th value stands in an object that is null.
func (v *vector) under(i int) bool {
	for _, a := range v.above {
		if a.IsNull(i) {
			return true
		}
	}
	return false
}

func (v *vector) null(i int) bool {
	return v.values == nil || v.void || v.values.IsNull(i) || v.under(i)
}

// field returns the vector of a field, which has no values where v is not of
// structs with such a field.
func (v *vector) field(name string) vector {
	s, ok := v.values.(*array.Struct)
	if !ok {
		return vector{}
	}
	at, ok := s.DataType().(*arrow.StructType).FieldIdx(name)
	if !ok {
		return vector{}
	}
	above := v.above
	if s.NullN() > 0 {
		above = append(above[:len(above):len(above)], s)
	}
	return newVector(s.Field(at), above)
}

// spread fills the vectors of the nodes below one from its own, and notes what
// is there.
func spread(n *node, vectors []vector, seen *sighting) {
	v := &vectors[n.id]
	if s, ok := v.values.(*array.Struct); ok && s.NullN() < s.Len() {
		seen.object(n)
	}
	for _, c := range n.children {
		vectors[c.id] = v.field(c.name)
		if vectors[c.id].values != nil {
			seen.present[c.id] = true
		}
		spread(c, vectors, seen)
	}
}

// fillCells fills the cells of a node and of those below it that are read row by
// row, from the i-th values.
func fillCells(n *node, vectors []vector, i int, cells []cell) {
	v, c := &vectors[n.id], &cells[n.id]
	switch {
	case v.values == nil || v.under(i):
		clear(cells[n.id:n.end])
		return
	case v.void || v.values.IsNull(i):
		clear(cells[n.id:n.end])
		c.kind = null
		return
	}
	_, nested := v.values.(*array.Struct)
	if nested && !n.whole {
		*c = cell{kind: open}
	} else {
		*c = cellAt(v.values, i)
	}
	for _, child := range n.children {
		if child.byRow {
			fillCells(child, vectors, i, cells)
		}
	}
}

func cellAt(values arrow.Array, i int) cell {
	if data, ok := textAt(values, i); ok {
		return cell{kind: text, data: data}
	}
	return plainCell(plainAt(values, i))
}

// A feeder converts the values of a vector and appends them.
type feeder struct {
	vector *vector
	out    array.Builder
	value  func(i int) error // of a value that is not null
}

func newFeeder(v *vector, a *offer.Appender, out array.Builder) feeder {
	f := feeder{vector: v, out: out}
	if v.values != nil {
		f.value = appenderOf(v.values, a, out)
	}
	return f
}

// absent reports whether the i-th row has no such field.
func (f *feeder) absent(i int) bool { return f.vector.values == nil || f.vector.under(i) }

func (f *feeder) append(i int) error {
	if f.vector.null(i) {
		f.out.AppendNull()
		return nil
	}
	return f.value(i)
}

// appenderOf returns the function that converts the i-th value, which is not
// null, and appends it: its type is looked at once, not for each value.
func appenderOf(values arrow.Array, a *offer.Appender, b array.Builder) func(i int) error {
	switch v := values.(type) {
	case *array.Boolean:
		return func(i int) error { return a.Append(b, v.Value(i)) }
	case *array.String:
		return func(i int) error { return a.AppendText(b, view(v.Value(i))) }
	case *array.Int64:
		return func(i int) error { return a.AppendInt(b, v.Value(i)) }
	case *array.Int32:
		return func(i int) error { return a.AppendInt(b, int64(v.Value(i))) }
	case *array.Float64:
		return func(i int) error { return a.AppendDouble(b, v.Value(i)) }
	case *array.Dictionary:
		inner := appenderOf(v.Dictionary(), a, b)
		return func(i int) error { return inner(v.GetValueIndex(i)) }
	default:
		return func(i int) error { return appendAt(values, i, a, b) }
	}
}

func appendAt(values arrow.Array, i int, a *offer.Appender, b array.Builder) error {
	if data, ok := textAt(values, i); ok {
		return a.AppendText(b, data)
	}
	if n, ok := intAt(values, i); ok {
		return a.AppendInt(b, n)
	}
	if f, ok := doubleAt(values, i); ok {
		return a.AppendDouble(b, f)
	}
	if units, scale, ok := unitsAt(values, i); ok {
		return a.AppendUnits(b, units, scale)
	}
	if t, ok := timeAt(values, i); ok {
		return a.AppendTime(b, t)
	}
	return a.Append(b, plainAt(values, i))
}
