package offer

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/array"
)

// maxExact is the greatest magnitude up to which every int is a double.
const maxExact = 1 << 53

func trimSpace(text []byte) []byte { return bytes.TrimSpace(text) }

// show quotes a value for a reason, cut to a readable length.
func show(text []byte) string {
	const limit = 40
	if len(text) <= limit {
		return strconv.Quote(string(text))
	}
	return strconv.Quote(string(bytes.ToValidUTF8(text[:limit], nil))) + "..."
}

// name says what a value is, for a reason.
func name(v any) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64, uint64, Number:
		return fmt.Sprint(v)
	case float64:
		return formatDouble(v)
	case time.Time:
		return "the time " + timeText(v)
	case time.Duration:
		return "the duration " + v.String()
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return fmt.Sprintf("a value of type %T", v)
	}
}

func appendString(b *array.StringBuilder, text []byte) error {
	if len(text) == 0 {
		b.AppendNull()
		return nil
	}
	if !utf8.Valid(text) {
		return notUTF8(text)
	}
	b.BinaryBuilder.Append(text)
	return nil
}

func notUTF8(text []byte) error { return refuse("%s is not valid UTF-8", show(text)) }

func exactString(text []byte) (any, error) {
	if len(text) == 0 {
		return nil, nil
	}
	if !utf8.Valid(text) {
		return nil, notUTF8(text)
	}
	return string(text), nil
}

func stringOf(v any) (string, error) {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case float64:
		return formatDouble(v), nil
	case Number:
		return string(v), nil
	case time.Time:
		return timeText(v), nil
	default:
		return "", refuse("%s is not a text", name(v))
	}
}

func boolText(text []byte) (bool, error) {
	var buf [8]byte
	if len(text) <= len(buf) {
		switch string(appendLower(buf[:0], text)) {
		case "1", "true", "yes":
			return true, nil
		case "0", "false", "no":
			return false, nil
		}
	}
	return false, refuse("%s is not a bool", show(text))
}

func appendLower(dst, text []byte) []byte {
	for _, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

func boolOf(v any) (bool, error) {
	switch v {
	case true, int64(1), uint64(1), float64(1), Number("1"):
		return true, nil
	case false, int64(0), uint64(0), float64(0), Number("0"):
		return false, nil
	default:
		return false, refuse("%s is not a bool", name(v))
	}
}

func (a *Appender) intText(text []byte) (int64, error) {
	v, fits, ok := parseIntText(text, a.point)
	if !ok {
		return 0, refuse("%s is not an int", show(text))
	}
	if !fits {
		return 0, refuse("%s does not fit an int of 64 bits", show(text))
	}
	return v, nil
}

func intDouble(v float64) (int64, error) {
	if v != math.Trunc(v) || math.IsInf(v, 0) {
		return 0, refuse("%s is not an int", formatDouble(v))
	}
	if math.Abs(v) > maxExact {
		return 0, refuse("%s is too large to be an exact int", formatDouble(v))
	}
	return int64(v), nil
}

func (a *Appender) intOf(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v), nil
		}
		return 0, refuse("%d does not fit an int of 64 bits", v)
	case float64:
		return intDouble(v)
	case Number:
		return numbers.intText([]byte(v))
	default:
		return 0, refuse("%s is not an int", name(v))
	}
}

// numbers reads the text of a Number, which always has a point.
var numbers = Appender{point: '.'}

func (a *Appender) doubleText(text []byte) (float64, error) {
	for _, c := range text {
		if !isNumeric(c, a.point) {
			return 0, refuse("%s is not a number", show(text))
		}
	}
	pointed := text
	if a.point != '.' {
		pointed = bytes.ReplaceAll(text, []byte{a.point}, []byte{'.'})
	}
	v, err := strconv.ParseFloat(string(pointed), 64)
	if math.IsInf(v, 0) {
		return 0, refuse("%s does not fit a double", show(text))
	}
	if err != nil {
		return 0, refuse("%s is not a number", show(text))
	}
	return v, nil
}

func isNumeric(c, point byte) bool {
	return c-'0' <= 9 || c == point || c == '-' || c == '+' || c == 'e' || c == 'E'
}

func (a *Appender) doubleOf(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	case uint64:
		return float64(v), nil
	case Number:
		return numbers.doubleText([]byte(v))
	default:
		return 0, refuse("%s is not a number", name(v))
	}
}
