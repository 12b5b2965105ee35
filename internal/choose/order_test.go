package choose

import (
	"bytes"
	"cmp"
	"math"
	"testing"
	"time"
)

// The encodings of values of one type compare as the values do.
func TestAppendValue(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for _, ascending := range [][]any{
		{false, true},
		{int64(math.MinInt64), int64(-1), int64(0), int64(1), int64(math.MaxInt64)},
		{math.Inf(-1), -1.5, -math.SmallestNonzeroFloat64, 0.0, math.SmallestNonzeroFloat64, 1.0, 1e300, math.Inf(1), math.NaN()},
		{"", "\x00", "\x00\x00", "\x00a", "a", "a\x00", "a\x00b", "aa", "b", "ä", "\xff"},
		{time.Time{}, time.Unix(-1, 0), time.Unix(0, 0), now, now.Add(1), now.Add(time.Second)},
		{-time.Second, time.Duration(0), time.Second},
	} {
		for i, a := range ascending {
			for k, b := range ascending {
				checkOrder(t, a, b, cmp.Compare(i, k))
			}
		}
	}
	if x, _ := appendValue(nil, math.Copysign(0, -1)); !bytes.Equal(x, must(appendValue(nil, 0.0))) {
		t.Error("the zeros differ")
	}
	if _, err := appendValue(nil, []any{}); err == nil {
		t.Error("a list has an order")
	}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

func checkOrder(t *testing.T, a, b any, want int) {
	t.Helper()
	x, y := must(appendValue(nil, a)), must(appendValue(nil, b))
	if got := bytes.Compare(x, y); got != want {
		t.Errorf("%v and %v compare as %d", a, b, got)
	}
	for _, descending := range []bool{false, true} {
		x, y := must(appendKey(nil, a, descending)), must(appendKey(nil, b, descending))
		if got := bytes.Compare(append(x, 'i'), append(y, 'i')); (got != want) != descending && want != 0 || descending && got != -want {
			t.Errorf("%v and %v, descending %v, compare as %d", a, b, descending, got)
		}
		null := must(appendKey(nil, nil, descending))
		if bytes.Compare(x, null) >= 0 {
			t.Errorf("null comes before %v", a)
		}
	}
}
