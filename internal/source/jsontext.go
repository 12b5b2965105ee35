package source

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/feedmill/feedmill/internal/offer"
)

// appendJSON appends a plain value as JSON, for people to read.
func appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool, int64, uint64:
		return fmt.Append(dst, v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return appendText(dst, fmt.Sprint(v))
		}
		return fmt.Append(dst, v)
	case offer.Number:
		return append(dst, v...)
	case string:
		return appendText(dst, v)
	case time.Time:
		return appendText(dst, v.Format(time.RFC3339Nano))
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			dst = appendJSON(comma(dst, i), e)
		}
		return append(dst, ']')
	case map[string]any:
		dst = append(dst, '{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			dst = append(appendText(comma(dst, i), k), ':')
			dst = appendJSON(dst, v[k])
		}
		return append(dst, '}')
	default:
		return appendText(dst, fmt.Sprint(v))
	}
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	quoted, _ := jsontext.AppendQuote(dst, strings.ToValidUTF8(s, "\ufffd")) // valid: no error
	return quoted
}
