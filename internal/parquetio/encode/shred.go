package encode

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// A column is what a leaf has in one row group. An entry is a value or a place
// where there is none: because it is null, or because something around it is
// null or empty.
type column struct {
	leaf    *leaf
	array   arrow.Array
	entries int
	def     []uint8 // per entry its definition level; nil when all have maxDef
	rep     []uint8 // per entry its repetition level; nil when all are 0
	sel     []int32 // the places of the values in array; nil when they are all of it
}

// levels are the entries of a field that may have parts.
type levels struct {
	def []uint8
	rep []uint8 // nil when all are 0
	at  []int32 // the places in the field's array; -1 where there is none
}

// shredder takes arrays apart into columns, as Dremel does.
type shredder struct {
	leaves  []*leaf // those that follow
	depth   uint8   // how many lists are open
	columns []column
}

// shred appends the columns of a top-level field.
func (s *shredder) shred(f arrow.Field, a arrow.Array) {
	switch f.Type.ID() {
	case arrow.STRUCT, arrow.LIST, arrow.MAP:
		at := make([]int32, a.Len())
		for i := range at {
			at[i] = int32(i)
		}
		s.field(f, a, levels{def: make([]uint8, len(at)), at: at})
	default:
		s.flat(f, a)
	}
}

func (s *shredder) next() *leaf {
	l := s.leaves[0]
	s.leaves = s.leaves[1:]
	return l
}

// flat appends a top-level leaf.
func (s *shredder) flat(f arrow.Field, a arrow.Array) {
	c := column{leaf: s.next(), array: a, entries: a.Len()}
	if f.Nullable && a.NullN() > 0 {
		c.def = make([]uint8, a.Len())
		c.sel = make([]int32, 0, a.Len()-a.NullN())
		for i := range c.def {
			if a.IsValid(i) {
				c.def[i] = 1
				c.sel = append(c.sel, int32(i))
			}
		}
	}
	s.columns = append(s.columns, c)
}

// field appends the columns of a field below another one.
func (s *shredder) field(f arrow.Field, a arrow.Array, of levels) {
	if f.Nullable {
		of = of.optional(a)
	}
	switch a := a.(type) {
	case *array.Struct:
		for i, m := range f.Type.(*arrow.StructType).Fields() {
			s.field(m, a.Field(i), of)
		}
	case *array.List:
		s.repeated(a, of, []arrow.Field{elementField(f.Type.(*arrow.ListType))}, a.ListValues())
	case *array.Map:
		s.repeated(a, of, entryFields(f.Type.(*arrow.MapType)), a.Keys(), a.Items())
	default:
		s.leaf(a, of)
	}
}

// repeated appends the columns of what a list or map holds.
func (s *shredder) repeated(list array.ListLike, of levels, fields []arrow.Field, parts ...arrow.Array) {
	s.depth++
	of = of.repeated(list, s.depth)
	for i, f := range fields {
		s.field(f, parts[i], of)
	}
	s.depth--
}

func (s *shredder) leaf(a arrow.Array, of levels) {
	sel := make([]int32, 0, len(of.at))
	for _, at := range of.at {
		if at >= 0 {
			sel = append(sel, at)
		}
	}
	s.columns = append(s.columns, column{leaf: s.next(), array: a, entries: len(of.at), def: of.def, rep: of.rep, sel: sel})
}

// optional returns the levels below a field that may be null.
func (v levels) optional(a arrow.Array) levels {
	out := levels{def: make([]uint8, len(v.def)), rep: v.rep, at: make([]int32, len(v.at))}
	whole := a.NullN() == 0
	for i, at := range v.at {
		out.def[i], out.at[i] = v.def[i], at
		if at < 0 {
			continue
		}
		if whole || a.IsValid(int(at)) {
			out.def[i]++
		} else {
			out.at[i] = -1
		}
	}
	return out
}

// repeated returns the levels of the elements of a list; all but the first have
// the list's repetition level.
func (v levels) repeated(list array.ListLike, repetition uint8) levels {
	var out levels
	add := func(def, rep uint8, at int32) {
		out.def, out.rep, out.at = append(out.def, def), append(out.rep, rep), append(out.at, at)
	}
	for i, at := range v.at {
		var rep uint8
		if v.rep != nil {
			rep = v.rep[i]
		}
		start, end := int64(0), int64(0)
		if at >= 0 {
			start, end = list.ValueOffsets(int(at))
		}
		if start == end {
			add(v.def[i], rep, -1)
			continue
		}
		for e := start; e < end; e++ {
			add(v.def[i]+1, rep, int32(e))
			rep = repetition
		}
	}
	return out
}
