package choose

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// appendValue appends an encoding of a value whose bytes compare as the values of
// one type do; no encoding is the beginning of another. A list, a map or a
// struct has no order.
func appendValue(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case bool:
		if v {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case int64:
		return binary.BigEndian.AppendUint64(dst, uint64(v)^1<<63), nil
	case float64:
		return binary.BigEndian.AppendUint64(dst, sortable(v)), nil
	case string:
		return appendText(dst, v), nil
	case time.Time:
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.Unix())^1<<63)
		return binary.BigEndian.AppendUint32(dst, uint32(v.Nanosecond())), nil
	case time.Duration:
		return binary.BigEndian.AppendUint64(dst, uint64(v)^1<<63), nil
	default:
		return dst, fmt.Errorf("a %T has no order", v)
	}
}

// sortable orders doubles; NaN comes behind all numbers, and the zeros are one.
func sortable(f float64) uint64 {
	if math.IsNaN(f) {
		return math.MaxUint64
	}
	bits := math.Float64bits(f + 0) // -0 + 0 is 0
	if bits>>63 != 0 {
		return ^bits
	}
	return bits | 1<<63
}

// appendText ends a text with 0 0 and writes a 0 inside it as 0 255.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		dst = append(dst, s[i])
		if s[i] == 0 {
			dst = append(dst, 0xFF)
		}
	}
	return append(dst, 0, 0)
}

// appendKey appends a sort key: nulls come last, whichever the direction.
func appendKey(dst []byte, v any, descending bool) ([]byte, error) {
	if v == nil {
		return append(dst, 1), nil
	}
	dst = append(dst, 0)
	from := len(dst)
	dst, err := appendValue(dst, v)
	if descending {
		for i := range dst[from:] {
			dst[from+i] ^= 0xFF
		}
	}
	return dst, err
}
