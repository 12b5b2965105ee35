package template

import (
	"cmp"
	"math"
	"strings"
	"time"
)

// compare orders two values of one kind; ok is false for null, for values of
// different kinds and when one is NaN.
func compare(a, b any) (order int, ok bool) {
	switch a := plain(a).(type) {
	case string:
		if b, same := b.(string); same {
			return strings.Compare(a, b), true
		}
	case time.Time, day:
		return compareTimes(a, b)
	case int64, float64, decimal:
		return compareNumbers(a, plain(b))
	}
	return 0, false
}

func compareTimes(a, b any) (int, bool) {
	from, ok := instant(a)
	to, same := instant(b)
	return from.Compare(to), ok && same
}

func instant(v any) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case day:
		return v.Time, true
	default:
		return time.Time{}, false
	}
}

func compareNumbers(a, b any) (int, bool) {
	i, ints := a.(int64)
	j, both := b.(int64)
	if ints && both {
		return cmp.Compare(i, j), true
	}
	x, _ := double(a)
	y, ok := double(b)
	if !ok || math.IsNaN(x) || math.IsNaN(y) {
		return 0, false
	}
	switch {
	case ints:
		return compareExactly(i, y), true
	case both:
		return -compareExactly(j, x), true
	default:
		return cmp.Compare(x, y), true
	}
}

// compareExactly compares without rounding i to a double.
func compareExactly(i int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	whole := math.Trunc(f)
	return cmp.Or(cmp.Compare(i, int64(whole)), cmp.Compare(0, f-whole))
}

func equal(a, b any) bool {
	if x, ok := a.(bool); ok {
		y, same := b.(bool)
		return same && x == y
	}
	order, ok := compare(a, b)
	return ok && order == 0
}

// eq is true when a equals one of the others; null equals nothing.
func eq(a, b any, more ...any) bool {
	if equal(a, b) {
		return true
	}
	for _, c := range more {
		if equal(a, c) {
			return true
		}
	}
	return false
}

func ne(a, b any) bool { return !equal(a, b) }

func lt(a, b any) bool { order, ok := compare(a, b); return ok && order < 0 }
func le(a, b any) bool { order, ok := compare(a, b); return ok && order <= 0 }
func gt(a, b any) bool { order, ok := compare(a, b); return ok && order > 0 }
func ge(a, b any) bool { order, ok := compare(a, b); return ok && order >= 0 }
