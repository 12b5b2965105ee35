package term

import (
	"math"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// Base returns the kind of the values that a column of a kind gives.
func Base(k offer.Kind) offer.Kind {
	switch k {
	case offer.Decimal:
		return offer.Double
	case offer.Date:
		return offer.Timestamp
	default:
		return k
	}
}

// IsScalar reports whether values of a kind have no parts.
func IsScalar(k offer.Kind) bool { return k < offer.List || k == Duration }

func isNumber(k offer.Kind) bool { return Base(k) == offer.Int || Base(k) == offer.Double }

// typeOf returns the type of a part's value; ok is false where we have none.
func typeOf(c *predicate.Checked, t *types.Type) (offer.Type, bool) {
	switch t.Kind() {
	case types.BoolKind:
		return boolean, true
	case types.StringKind:
		return offer.Type{Kind: offer.String}, true
	case types.IntKind:
		return offer.Type{Kind: offer.Int}, true
	case types.DoubleKind:
		return offer.Type{Kind: offer.Double}, true
	case types.TimestampKind:
		return offer.Type{Kind: offer.Timestamp}, true
	case types.DurationKind:
		return offer.Type{Kind: Duration}, true
	case types.ListKind:
		elem, ok := typeOf(c, t.Parameters()[0])
		return offer.ListOf(elem), ok
	case types.StructKind:
		fields := c.Fields(t)
		return offer.StructOf(fields...), fields != nil
	default:
		return offer.Type{}, false
	}
}

// plain returns a scalar as a plain value.
func plain(v ref.Val) (any, offer.Kind, bool) {
	switch v := v.(type) {
	case types.Null:
		return nil, Null, true
	case types.Bool:
		return bool(v), offer.Bool, true
	case types.Int:
		return int64(v), offer.Int, true
	case types.Double:
		return float64(v), offer.Double, !math.IsNaN(float64(v))
	case types.String:
		return string(v), offer.String, true
	case types.Timestamp:
		return v.UTC(), offer.Timestamp, true
	case types.Duration:
		return v.Duration, Duration, true
	default:
		return nil, 0, false
	}
}
