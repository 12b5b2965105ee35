// Package term holds predicates as plain data: terms over an offer's columns,
// each kept once however many predicates it stands in.
//
// Its promise: two parts of predicates that always have the same value for the
// reasons listed here are one term. A condition's legs are flat, in order and
// without repeats, a > b is b < a where neither can be an error, a != b is the negation of a == b, all() the negation of
// exists() of the negation, a list of `in` is sorted, m["k"] is m.k, what reads no
// row is a constant, and the names of loop variables do not count.
//
// A loop's body is a term over the elements of the list, which are rows of a
// space of their own: Elem of that space is the loop's variable. Loops over the
// same list share the space, and so all terms that are about one element. What
// the body says about the rows around it is a term of their space: it is worked
// out once for a row, not for each element.
//
// What cannot be said is Opaque: a condition that the row-wise evaluator decides.
package term

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/offer"
)

// Kinds of values that are of no column.
const (
	Duration offer.Kind = 100 + iota
	Null
)

// An Op is what a term does with its arguments.
type Op uint8

// The operations. Those up to Opaque decide: their value is true, false or an
// error, never null.
const (
	And          Op = iota // of any number
	Or                     // of any number
	Not                    //
	Less                   // a < b
	LessEqual              // a <= b
	Greater                // a > b
	GreaterEqual           // a >= b
	Equal                  // a == b
	In                     // a in [constants], which follow
	Contains               // a.contains(constant)
	Prefix                 // a.startsWith(constant)
	Suffix                 // a.endsWith(constant)
	Match                  // a.matches(constant)
	Present                // has(), of the value itself
	PresentKey             // has(a.name) of a map
	HasKey                 // name in a
	Member                 // a in b; the third argument is a == element, in Loop
	Exists                 // some element of the list a makes b true, in Loop
	ExistsOne              // exactly one does
	Fail                   // always an error, because of null if Name is "null"
	Opaque                 // decided row by row; Name is the number of the part

	Const     // Value
	Column    // Name
	Field     // of the struct a, Name
	Key       // of the map a, Name
	Elem      // the element, in Loop
	Index     // of the list a, at b
	Cond      // a ? b : c
	Coalesce  // of any number
	Negate    //
	Add       // and other arithmetic: two numbers of one type, or texts
	Subtract  //
	Multiply  //
	Divide    //
	Modulo    //
	ToDouble  // of an int
	Size      // of a text, list or map
	First     // of a list
	Aggregate // Name: sum, avg, min, max, count; of the list a
	Least     // the least of any number; nulls do not count
	Most      // the greatest
	Filter    // the elements of the list a of which b is true, in Loop
	Map       // for each element of the list a of which c, if any, is true: b, in Loop
	List      // of its arguments
	Call      // a function of scalars, Name, in Functions
)

var opNames = [...]string{
	And: "and", Or: "or", Not: "not", Less: "<", LessEqual: "<=", Greater: ">", GreaterEqual: ">=", Equal: "==", In: "in",
	Contains: "contains", Prefix: "startsWith", Suffix: "endsWith", Match: "matches", Present: "has", PresentKey: "has", HasKey: "key",
	Member: "member", Exists: "exists", ExistsOne: "exists_one", Fail: "fail", Opaque: "opaque", Const: "const", Column: "column",
	Field: "field", Key: "at", Elem: "it", Index: "index", Cond: "if", Coalesce: "coalesce", Negate: "-", Add: "+", Subtract: "-",
	Multiply: "*", Divide: "/", Modulo: "%", ToDouble: "double", Size: "size", First: "first", Aggregate: "aggregate", Least: "min",
	Most: "max", Filter: "filter", Map: "map", List: "list", Call: "call",
}

// Decides reports whether the value is true, false or an error, never null.
func (o Op) Decides() bool { return o <= Opaque }

// Joins reports whether the operation is of conditions alone: &&, || or !.
func (o Op) Joins() bool { return o <= Not }

// IsLeaf reports whether the operation compares a value with constants.
func (o Op) IsLeaf() bool { return Less <= o && o <= Match }

// An ID names a term of a table.
type ID int32

// A Space names a set of rows: the batch's, or the elements of a list.
type Space int32

// Rows is the space of the batch's rows.
const Rows Space = 0

// A Term is an operation on other terms.
type Term struct {
	Op    Op
	Type  offer.Type
	Args  []ID
	Name  string
	Value any   // of a Const: nil, bool, int64, float64, string, time.Time or time.Duration
	Loop  Space // whose element it is, or over which it goes
	Space Space // the innermost rows that it depends on
}

// A Loop is a space of elements.
type Loop struct {
	Parent Space
	List   ID // the list, a term of the parent or of a space around it
	Depth  int
}

// A Table holds terms, each once.
type Table struct {
	Terms     []Term
	Loops     []Loop // by Space; the first is the batch's rows
	Functions []Function
	ids       map[string]ID
	spaces    map[Loop]Space
	functions map[string]int
	key       []byte
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{Loops: make([]Loop, 1), ids: map[string]ID{}, spaces: map[Loop]Space{}, functions: map[string]int{}}
}

// add returns the ID of a term, a new one if need be.
func (t *Table) add(x Term) ID {
	x.Space = t.spaceOf(&x)
	t.key = t.appendKey(t.key[:0], &x)
	if id, ok := t.ids[string(t.key)]; ok {
		return id
	}
	id := ID(len(t.Terms))
	t.Terms = append(t.Terms, x)
	t.ids[string(t.key)] = id
	return id
}

// spaceOf returns the innermost rows that a term depends on. Those of its
// arguments lie one in the other.
func (t *Table) spaceOf(x *Term) Space {
	switch {
	case x.Op == Elem:
		return x.Loop
	case x.Loop != Rows:
		return t.Loops[x.Loop].Parent
	}
	space := Rows
	for _, a := range x.Args {
		space = t.inner(space, t.Terms[a].Space)
	}
	return space
}

// inner returns the inner of two spaces of which one is in the other.
func (t *Table) inner(a, b Space) Space {
	if t.Loops[a].Depth < t.Loops[b].Depth {
		return b
	}
	return a
}

// within reports whether s is the space around or one inside of it.
func (t *Table) within(s, around Space) bool {
	for t.Loops[s].Depth > t.Loops[around].Depth {
		s = t.Loops[s].Parent
	}
	return s == around
}

// loop returns the space of a list's elements for each row of parent.
func (t *Table) loop(parent Space, list ID) Space {
	l := Loop{Parent: parent, List: list, Depth: t.Loops[parent].Depth + 1}
	s, ok := t.spaces[l]
	if !ok {
		s = Space(len(t.Loops))
		t.Loops = append(t.Loops, l)
		t.spaces[l] = s
	}
	return s
}

func (t *Table) appendKey(dst []byte, x *Term) []byte {
	dst = append(dst, byte(x.Op), byte(x.Type.Kind))
	dst = strconv.AppendInt(dst, int64(x.Loop), 36)
	for _, a := range x.Args {
		dst = append(dst, ',')
		dst = strconv.AppendInt(dst, int64(a), 36)
	}
	dst = append(append(dst, '|'), x.Name...)
	if x.Op == Const {
		dst = appendValue(dst, x.Value)
	}
	return dst
}

func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case float64:
		return strconv.AppendFloat(dst, v, 'g', -1, 64)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case string:
		return append(dst, v...)
	case time.Time:
		return v.AppendFormat(dst, time.RFC3339Nano)
	default:
		return fmt.Append(dst, v)
	}
}

// Format returns a term as text, for tests and people.
func (t *Table) Format(id ID) string {
	var b strings.Builder
	t.format(&b, id)
	return b.String()
}

func (t *Table) format(b *strings.Builder, id ID) {
	x := &t.Terms[id]
	if x.Op == Const {
		fmt.Fprintf(b, "%#v", x.Value)
		return
	}
	b.WriteString(opNames[x.Op])
	if x.Name != "" {
		b.WriteString(":" + x.Name)
	}
	if x.Loop != Rows {
		fmt.Fprintf(b, "#%d", x.Loop)
	}
	if len(x.Args) == 0 {
		return
	}
	b.WriteByte('(')
	for i, a := range x.Args {
		if i > 0 {
			b.WriteString(", ")
		}
		t.format(b, a)
	}
	b.WriteByte(')')
}
