package predicate

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// A column gives the rows of an Arrow array as values. Texts are views of the
// array: clone what outlives it.
type column interface {
	value(row int) ref.Val // as CEL sees it
	plain(row int) any     // as a plain value, nil for null
	present(row int) bool  // what has() says
	null(row int) bool     // whether it is null; lists and maps never are
}

// A scalar is a column of type T.
type scalar[T any] struct {
	arrow.Array
	at  func(row int) T
	box func(T) ref.Val
}

func (c scalar[T]) null(row int) bool { return c.IsNull(row) }

func (c scalar[T]) present(row int) bool { return c.IsValid(row) }

func (c scalar[T]) value(row int) ref.Val {
	if c.IsNull(row) {
		return types.NullValue
	}
	return c.box(c.at(row))
}

func (c scalar[T]) plain(row int) any {
	if c.IsNull(row) {
		return nil
	}
	return c.at(row)
}

// A listColumn's null rows are empty lists.
type listColumn struct {
	array.ListLike
	elems column
}

func (c listColumn) null(int) bool { return false }

func (c listColumn) present(row int) bool {
	start, end := c.span(row)
	return end > start
}

func (c listColumn) span(row int) (start, end int) {
	if c.IsNull(row) {
		return 0, 0
	}
	from, to := c.ValueOffsets(row)
	return int(from), int(to)
}

func (c listColumn) value(row int) ref.Val {
	start, end := c.span(row)
	values := make([]ref.Val, end-start)
	for i := range values {
		values[i] = c.elems.value(start + i)
	}
	return types.NewRefValList(adapter{}, values)
}

func (c listColumn) plain(row int) any {
	start, end := c.span(row)
	values := make([]any, end-start)
	for i := range values {
		values[i] = c.elems.plain(start + i)
	}
	return values
}

// A mapColumn's null rows are empty maps. Of a key that stands twice the last
// value counts.
type mapColumn struct {
	listColumn // of the values
	keys       *array.String
}

func (c mapColumn) value(row int) ref.Val {
	start, end := c.span(row)
	values := make(map[ref.Val]ref.Val, end-start)
	for i := start; i < end; i++ {
		values[types.String(c.keys.Value(i))] = c.elems.value(i)
	}
	return columnMap{types.NewRefValMap(adapter{}, values)}
}

func (c mapColumn) plain(row int) any {
	start, end := c.span(row)
	values := make(map[string]any, end-start)
	for i := start; i < end; i++ {
		values[c.keys.Value(i)] = c.elems.plain(i)
	}
	return values
}

// lookUp returns where the value of a key stands, or -1.
func (c mapColumn) lookUp(row int, key string) int {
	start, end := c.span(row)
	for i := end - 1; i >= start; i-- {
		if c.keys.Value(i) == key {
			return i
		}
	}
	return -1
}

// A structColumn is a struct, or a whole record, which is never null.
type structColumn struct {
	typ    *structType
	array  arrow.Array // nil for a record
	fields []column
}

func (c *structColumn) null(row int) bool { return c.array != nil && c.array.IsNull(row) }

func (c *structColumn) present(row int) bool { return !c.null(row) }

func (c *structColumn) value(row int) ref.Val {
	if c.null(row) {
		return types.NullValue
	}
	return structValue{column: c, row: row}
}

func (c *structColumn) plain(row int) any {
	if c.null(row) {
		return nil
	}
	fields := make(map[string]any, len(c.fields))
	for i, f := range c.fields {
		fields[c.typ.fields[i].Name] = f.plain(row)
	}
	return fields
}

// An absent column stands where a record lacks one that an expression reads, or
// has another type there.
type absent struct{ err error }

func (c absent) value(int) ref.Val { return types.WrapErr(c.err) }

func (c absent) plain(int) any { return c.err }

func (c absent) present(int) bool { return false }

func (c absent) null(int) bool { return true }
