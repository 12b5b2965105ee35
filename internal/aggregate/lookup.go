package aggregate

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A lookup is what the offers of a batch look a join up by, as texts: a key
// each, or a list of keys.
type lookup struct {
	texts *array.String
	lists []span // of each offer, its keys among texts; nil: a key each
}

func (l *lookup) release() { l.texts.Release() }

// offers returns how many offers there are.
func (l *lookup) offers() int {
	if l.lists == nil {
		return l.texts.Len()
	}
	return len(l.lists)
}

// keys appends the keys of an offer, each once and without nulls.
func (l *lookup) keys(dst []string, i int) []string {
	s := span{int32(i), int32(i) + 1}
	if l.lists != nil {
		s = l.lists[i]
	}
	for k := s.from; k < s.to; k++ {
		if l.texts.IsNull(int(k)) || slices.Contains(dst, l.texts.Value(int(k))) {
			continue
		}
		dst = append(dst, l.texts.Value(int(k)))
	}
	return dst
}

// lookupKeys returns what offers look a join up by. The caller releases it.
func (s *slicing) lookupKeys(join *workspace.Join, offers arrow.RecordBatch) (*lookup, error) {
	if path, plain := join.On.Path(); plain {
		if column := follow(offers, path[1:]); column != nil {
			return columnLookup(s.mem, column)
		}
	}
	b := newLookupBuilder(s.mem, join)
	defer b.texts.Release()
	vars := predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(offers)}}
	for i := range int(offers.NumRows()) {
		vars.Offer.Index = i
		v, err := join.On.Eval(&vars)
		if err != nil {
			s.note(join.Name, offers, i, err)
		}
		if err := b.offer(v); err != nil {
			return nil, fmt.Errorf("join %s: %s %w", join.Name, join.On.Text(), err)
		}
	}
	return &lookup{texts: b.texts.NewStringArray(), lists: b.lists}, nil
}

// columnLookup looks up by the values of a column.
func columnLookup(mem memory.Allocator, column arrow.Array) (*lookup, error) {
	list, many := column.(*array.List)
	if !many {
		texts, err := keyTexts(mem, column)
		return &lookup{texts: texts}, err
	}
	texts, err := keyTexts(mem, list.ListValues())
	lists := make([]span, list.Len())
	for i := range lists {
		if !list.IsNull(i) {
			from, to := list.ValueOffsets(i)
			lists[i] = span{int32(from), int32(to)}
		}
	}
	return &lookup{texts: texts, lists: lists}, err
}

// A lookupBuilder collects the values of a join's `on`.
type lookupBuilder struct {
	texts *array.StringBuilder
	lists []span // nil: `on` gives no list
}

func newLookupBuilder(mem memory.Allocator, join *workspace.Join) *lookupBuilder {
	b := &lookupBuilder{texts: array.NewStringBuilder(mem)}
	if join.Many && mayBeList(join.On) {
		b.lists = []span{}
	}
	return b
}

// offer adds what an offer looks up.
func (b *lookupBuilder) offer(v any) error {
	if b.lists == nil {
		return b.key(v)
	}
	from := int32(b.texts.Len())
	keys, ok := v.([]any)
	if !ok {
		keys = []any{v}
	}
	for _, key := range keys {
		if err := b.key(key); err != nil {
			return err
		}
	}
	b.lists = append(b.lists, span{from, int32(b.texts.Len())})
	return nil
}

func (b *lookupBuilder) key(v any) error {
	switch v := v.(type) {
	case nil:
		b.texts.AppendNull()
	case string:
		b.texts.Append(v)
	case int64:
		b.texts.Append(strconv.FormatInt(v, 10))
	default:
		return fmt.Errorf("must be a string or an int, not %T", v)
	}
	return nil
}

// mayBeList reports whether an expression may give a list.
func mayBeList(x *predicate.Expr) bool {
	t, known := x.Type()
	return !known || t.Kind == offer.List
}

// follow returns the column that a chain of names selects, or nil when it
// passes through something that is not a struct.
func follow(offers arrow.RecordBatch, names []string) arrow.Array {
	at := index(offers.Schema(), names[0])
	if at < 0 {
		return nil
	}
	column := offers.Column(at)
	for _, name := range names[1:] {
		s, ok := column.(*array.Struct)
		if !ok {
			return nil
		}
		field, ok := s.DataType().(*arrow.StructType).FieldIdx(name)
		if !ok {
			return nil
		}
		column = s.Field(field)
	}
	return column
}
