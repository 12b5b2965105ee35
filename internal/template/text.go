package template

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// text is how a value prints: null as nothing, a decimal with its scale, a
// double in its shortest form, a timestamp in RFC 3339. A list prints its
// values with commas.
func text(v any) string {
	switch v := plain(v).(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return doubleText(v)
	case decimal:
		return decimalText(v.digits())
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case day:
		return v.Format(time.DateOnly)
	case []any:
		return join(v, ",")
	default:
		return ""
	}
}

// doubleText is the shortest text that reads back as f, with an exponent only
// where ECMAScript and JSON write one.
func doubleText(f float64) string {
	size := math.Abs(f)
	if size != 0 && (size < 1e-6 || size >= 1e21) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func decimalText(d digits) string {
	text := strconv.FormatInt(d.unscaled, 10)
	if d.scale <= 0 {
		return text
	}
	sign := ""
	if d.unscaled < 0 {
		sign, text = "-", text[1:]
	}
	if missing := int(d.scale) + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	point := len(text) - int(d.scale)
	return sign + text[:point] + "." + text[point:]
}

// double is a number as a double; a decimal of at most 15 digits is rounded
// exactly.
func double(v any) (f float64, ok bool) {
	switch v := plain(v).(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case decimal:
		d := v.digits()
		return float64(d.unscaled) / math.Pow10(int(d.scale)), true
	default:
		return 0, false
	}
}

// fixed is a finite number with two digits after the point, rounded half away
// from zero in decimal: 1.005 is 1.01.
func fixed(v any) (s string, ok bool) {
	switch v := plain(v).(type) {
	case int64, decimal:
		return round(text(v)), true
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", false
		}
		return round(strconv.FormatFloat(v, 'f', -1, 64)), true
	default:
		return "", false
	}
}

// round rounds a decimal text to two digits after the point.
func round(number string) string {
	number, negative := strings.CutPrefix(number, "-")
	whole, fraction, _ := strings.Cut(number, ".")
	fraction += "000"
	digits := []byte(whole + fraction[:2])
	if fraction[2] >= '5' {
		digits = increment(digits)
	}
	rounded := string(digits[:len(digits)-2]) + "." + string(digits[len(digits)-2:])
	if negative && strings.Trim(rounded, "0.") != "" {
		return "-" + rounded
	}
	return rounded
}

func increment(digits []byte) []byte {
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i] != '9' {
			digits[i]++
			return digits
		}
		digits[i] = '0'
	}
	return append([]byte{'1'}, digits...)
}
