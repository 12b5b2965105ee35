package source

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/offer"
)

// The first byte of an encoded order.
const (
	orderNumber = 1
	orderTime   = 2
	orderText   = 3
)

// An order that cannot be encoded.
var (
	errNoOrder  = errors.New("the order is null")
	errNotOrder = errors.New("the order is neither a number nor a time nor a text")
)

// EncodeOrder returns an encoding of the value of a log's `order` that compares
// by bytes as the values do: numbers before times before texts.
//
// A number is 1 and the 8 bytes of the greatest double that is not above it, as
// a big-endian uint64 with the sign flipped (all bits when negative); an int
// that this double does not equal adds what remains, a big-endian uint64. A time
// is 2, its seconds since the epoch as a big-endian uint64 with the sign
// flipped, and 4 bytes of nanoseconds. A text is 3 and its bytes. Null, empty
// text, NaN and everything else is an error.
func EncodeOrder(v any) ([]byte, error) { return appendOrder(nil, v) }

func appendOrder(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return dst, errNoOrder
	case int64:
		return appendInt(dst, v), nil
	case uint64:
		if v <= math.MaxInt64 {
			return appendInt(dst, int64(v)), nil
		}
		return appendDouble(dst, float64(v)), nil
	case float64:
		if math.IsNaN(v) {
			return dst, errNotOrder
		}
		return appendDouble(dst, v), nil
	case offer.Number:
		return appendNumber(dst, v)
	case time.Time:
		return appendTime(dst, v), nil
	case string:
		if v == "" {
			return dst, errNoOrder
		}
		return append(append(dst, orderText), v...), nil
	case []byte:
		return appendOrder(dst, string(v))
	default:
		return dst, errNotOrder
	}
}

func appendNumber(dst []byte, v offer.Number) ([]byte, error) {
	whole, _, _ := strings.Cut(string(v), ".")
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil && len(whole) == len(v) {
		return appendInt(dst, n), nil
	}
	return appendDouble(dst, v.Double()), nil
}

func appendDouble(dst []byte, v float64) []byte {
	bits := math.Float64bits(v + 0) // no negative zero
	if bits>>63 == 1 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(append(dst, orderNumber), bits)
}

func appendInt(dst []byte, v int64) []byte {
	below := float64(v)
	if below >= 1<<63 || int64(below) > v {
		below = math.Nextafter(below, math.Inf(-1))
	}
	dst = appendDouble(dst, below)
	if rest := v - int64(below); rest > 0 {
		dst = binary.BigEndian.AppendUint64(dst, uint64(rest))
	}
	return dst
}

func appendTime(dst []byte, v time.Time) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, orderTime), uint64(v.Unix())^1<<63)
	return binary.BigEndian.AppendUint32(dst, uint32(v.Nanosecond()))
}

// OrderTime returns the time that an encoded order stands for: a timestamp is
// itself, text is read as RFC 3339, and a number is seconds, milliseconds,
// microseconds or nanoseconds since the epoch, whichever its magnitude says:
// below 1e11, 1e14, 1e17 or above. It is false where there is no such time.
func OrderTime(encoded []byte) (time.Time, bool) {
	if len(encoded) == 0 {
		return time.Time{}, false
	}
	switch rest := encoded[1:]; encoded[0] {
	case orderTime:
		return decodeTime(rest)
	case orderText:
		return offer.ParseTime(string(rest))
	case orderNumber:
		return decodeNumber(rest)
	default:
		return time.Time{}, false
	}
}

func decodeTime(rest []byte) (time.Time, bool) {
	if len(rest) != 12 {
		return time.Time{}, false
	}
	seconds := int64(binary.BigEndian.Uint64(rest) ^ 1<<63)
	return time.Unix(seconds, int64(binary.BigEndian.Uint32(rest[8:]))).UTC(), true
}

func decodeNumber(rest []byte) (time.Time, bool) {
	if len(rest) != 8 && len(rest) != 16 {
		return time.Time{}, false
	}
	bits := binary.BigEndian.Uint64(rest)
	if bits>>63 == 1 {
		bits &^= 1 << 63
	} else {
		bits = ^bits
	}
	v := math.Float64frombits(bits)
	for _, unit := range []float64{1, 1e3, 1e6, 1e9} {
		if math.Abs(v) < 1e11*unit {
			whole := math.Floor(v / unit)
			return time.Unix(int64(whole), int64((v/unit-whole)*1e9)).UTC(), true
		}
	}
	return time.Time{}, false
}
