package source

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/offer"
)

// members is the values that `in` admits.
type members interface {
	// add converts a text and admits its value.
	add(a *offer.Appender, text string) error
	// has says whether the i-th value of an array or builder, which is not null,
	// is admitted.
	has(values any, i int) bool
}

// newMembers returns an empty set for a type, or nil when there is none for it.
func newMembers(t offer.Type) members {
	switch t.Kind {
	case offer.String:
		return newSet[string](t)
	case offer.Int:
		return newSet[int64](t)
	case offer.Double:
		return newSet[float64](t)
	case offer.Bool:
		return newSet[bool](t)
	case offer.Date:
		return newSet[arrow.Date32](t)
	default:
		return nil
	}
}

// A set is members whose arrays and builders have values of type T.
type set[T comparable] struct {
	t      offer.Type
	values map[T]bool
}

func newSet[T comparable](t offer.Type) *set[T] { return &set[T]{t: t, values: map[T]bool{}} }

type indexed[T any] interface{ Value(i int) T }

func (s *set[T]) add(a *offer.Appender, text string) error {
	b := array.NewBuilder(memory.DefaultAllocator, s.t.Arrow())
	defer b.Release()
	if err := a.Append(b, text); err != nil {
		return err
	}
	if !b.IsNull(0) {
		s.values[b.(indexed[T]).Value(0)] = true
	}
	return nil
}

func (s *set[T]) has(values any, i int) bool { return s.values[values.(indexed[T]).Value(i)] }
