package source

import (
	"bytes"
	"cmp"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/offer"
)

func mustOrder(t *testing.T, v any) []byte {
	t.Helper()
	encoded, err := EncodeOrder(v)
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	return encoded
}

// The values ascend; those of one line are equal.
func TestEncodeOrderAscends(t *testing.T) {
	lines := [][]any{
		{math.Inf(-1)},
		{-1e300},
		{int64(math.MinInt64), -9223372036854775808.0},
		{int64(math.MinInt64 + 1)},
		{int64(-1<<53 - 1)},
		{int64(-1 << 53), float64(-1 << 53)},
		{-1.5},
		{int64(-1), -1.0, offer.Number("-1")},
		{int64(0), 0.0, math.Copysign(0, -1), uint64(0)},
		{0.5, offer.Number("0.50")},
		{int64(1), uint64(1)},
		{int64(1<<53 - 1)},
		{int64(1 << 53)},
		{int64(1<<53 + 1), offer.Number("9007199254740993")},
		{int64(1<<53 + 2)},
		{int64(1<<53 + 3)},
		{int64(math.MaxInt64 - 1)},
		{int64(math.MaxInt64), uint64(math.MaxInt64)},
		{uint64(math.MaxUint64)},
		{math.Inf(1)},
		{time.Unix(-1, 999_999_999)},
		{time.Unix(0, 0)},
		{time.Unix(0, 1).In(time.FixedZone("", 3600))},
		{time.Unix(1, 0)},
		{"10"},
		{"9"},
		{"9a"},
	}
	var last []byte
	for _, line := range lines {
		for i, v := range line {
			got := mustOrder(t, v)
			switch {
			case i == 0 && bytes.Compare(last, got) >= 0:
				t.Errorf("%v (%T): %x is not after %x", v, v, got, last)
			case i > 0 && !bytes.Equal(last, got):
				t.Errorf("%v (%T): %x is not %x", v, v, got, last)
			}
			last = got
		}
	}
}

func TestEncodeOrderRefuses(t *testing.T) {
	for _, v := range []any{nil, "", math.NaN(), true, []any{}, map[string]any{}} {
		if got, err := EncodeOrder(v); err == nil {
			t.Errorf("%v: %x, no error", v, got)
		}
	}
}

func TestEncodeOrderOfRandomInts(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	ints := make([]int64, 2000)
	for i := range ints {
		ints[i] = int64(r.Uint64()) >> r.IntN(64)
		if i > 0 && r.IntN(2) == 0 {
			ints[i] = ints[i-1] + int64(r.IntN(5)) - 2
		}
	}
	for i := 1; i < len(ints); i++ {
		a, b := ints[i-1], ints[i]
		if got := bytes.Compare(mustOrder(t, a), mustOrder(t, b)); got != cmp.Compare(a, b) {
			t.Fatalf("seed %d: %d and %d compare %d", seed, a, b, got)
		}
	}
}

func TestOrderTime(t *testing.T) {
	want := time.Date(2024, 2, 29, 12, 30, 15, 0, time.UTC)
	for _, v := range []any{want, want.In(time.FixedZone("", 7200)), "2024-02-29T12:30:15Z", "2024-02-29 14:30:15+02:00",
		want.Unix(), want.UnixMilli(), want.UnixMicro(), want.UnixNano(), float64(want.Unix())} {
		if got, ok := OrderTime(mustOrder(t, v)); !ok || !got.Equal(want) {
			t.Errorf("%v: %v, %v", v, got, ok)
		}
	}
	old := time.Date(1969, 12, 31, 23, 59, 58, 500_000_000, time.UTC)
	for _, v := range []any{old, -1.5} {
		if got, ok := OrderTime(mustOrder(t, v)); !ok || !got.Equal(old) {
			t.Errorf("%v: %v, %v", v, got, ok)
		}
	}
	for _, v := range []any{"A7", 1e30, math.Inf(1)} {
		if got, ok := OrderTime(mustOrder(t, v)); ok {
			t.Errorf("%v: %v", v, got)
		}
	}
	for _, bad := range [][]byte{nil, {}, {1}, {2, 0}, {9, 1}} {
		if got, ok := OrderTime(bad); ok {
			t.Errorf("%x: %v", bad, got)
		}
	}
}
