package predicate

import (
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

func TestRoundText(t *testing.T) {
	for _, c := range []struct {
		v    float64
		n    int
		want float64
	}{
		{1.005, 2, 1.01}, {-1.005, 2, -1.01}, {2.5, 0, 3}, {-2.5, 0, -3}, {0.5, 0, 1}, {0.49999999999999994, 0, 0}, {1.45, 1, 1.5},
		{9.999, 2, 10}, {99.5, 0, 100}, {0.05, 1, 0.1}, {0.04, 1, 0}, {1234.5, -2, 1200}, {1250, -2, 1300}, {50, -2, 100}, {49, -2, 0},
		{7, -5, 0}, {1e300, 2, 1e300}, {1e300, -300, 1e300}, {4e300, -301, 0}, {5e300, -301, 1e301}, {5e-324, 400, 5e-324}, {0.1 + 0.2, 1, 0.3}, {12, 3, 12}, {0, 2, 0},
		{math.Inf(1), 2, math.Inf(1)},
	} {
		if got := roundText(c.v, c.n); got != c.want {
			t.Errorf("roundText(%v, %d) = %v, want %v", c.v, c.n, got, c.want)
		}
	}
	if got := roundText(math.NaN(), 2); !math.IsNaN(got) {
		t.Errorf("NaN rounds to %v", got)
	}
	if got := roundText(-0.04, 1); got != 0 || !math.Signbit(got) {
		t.Errorf("-0.04 rounds to %v", got)
	}
}

func TestRoundedDecimal(t *testing.T) {
	wide, err := decimal128.FromString("79228162514264337593543950335", 38, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		digits decimal128.Num
		scale  int32
		want   float64
	}{
		{decimal128.FromI64(1010), 2, 10.1}, {decimal128.FromI64(-305), 2, -3.05}, {decimal128.FromI64(999999999999999), 15, 0.999999999999999},
		{decimal128.FromI64(1), 0, 1}, {decimal128.FromI64(3), -2, 300}, {decimal128.FromI64(math.MaxInt64), 3, 9223372036854775.807},
		{decimal128.FromI64(math.MinInt64), 3, -9223372036854775.808}, {wide, 10, 7922816251426433759.3543950335},
	} {
		if got := rounded(c.digits, c.scale); got != c.want {
			t.Errorf("rounded(%v, %d) = %v, want %v", c.digits.BigInt(), c.scale, got, c.want)
		}
	}
}
