package offer

import (
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

type decimalUnits = decimal128.Num

// NumberOf returns the Number units / 10^scale.
func NumberOf(units int64, scale int32) Number {
	text := strconv.FormatInt(units, 10)
	if scale <= 0 {
		return Number(text)
	}
	sign, digits := "", text
	if units < 0 {
		sign, digits = "-", text[1:]
	}
	if missing := int(scale) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	at := len(digits) - int(scale)
	return Number(sign + digits[:at] + "." + digits[at:])
}

func (a *Appender) decimalText(text []byte) (decimalUnits, error) {
	m, ok := parseMagnitude(text, a.point)
	if !ok {
		return decimalUnits{}, refuse("%s is not a number", show(text))
	}
	units, reason := a.fit(m)
	if reason != "" {
		return decimalUnits{}, refuse("%s %s", show(text), reason)
	}
	return units, nil
}

// fit returns the units of a number, or the reason why it is no value of the
// type.
func (a *Appender) fit(m magnitude) (units decimalUnits, reason string) {
	if m.digits == 0 {
		return decimalUnits{}, ""
	}
	shift := m.exp + int(a.t.Scale)
	if shift < 0 {
		return decimalUnits{}, "has more than " + strconv.Itoa(int(a.t.Scale)) + " digits after the point"
	}
	if m.wide || m.count+shift > int(a.t.Precision) {
		return decimalUnits{}, "does not fit " + a.t.String()
	}
	return m.units(m.digits * pow10(shift)), ""
}

func (m *magnitude) units(size uint64) decimalUnits {
	if m.negative {
		return decimal128.FromI64(-int64(size))
	}
	return decimal128.FromI64(int64(size))
}

func (a *Appender) decimalInt(v int64) (decimalUnits, error) { return a.decimalUnits(v, 0) }

func (a *Appender) decimalUnits(units int64, scale int32) (decimalUnits, error) {
	if scale == a.t.Scale && -a.limit < units && units < a.limit {
		return decimal128.FromI64(units), nil
	}
	return a.decimalNumber(NumberOf(units, scale))
}

func (a *Appender) decimalNumber(n Number) (decimalUnits, error) {
	m, ok := parseMagnitude([]byte(n), '.')
	if !ok {
		return decimalUnits{}, refuse("%s is not a number", n)
	}
	units, reason := a.fit(m)
	if reason != "" {
		return decimalUnits{}, refuse("%s %s", n, reason)
	}
	return units, nil
}

func (a *Appender) decimalDouble(v float64) (decimalUnits, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return decimalUnits{}, refuse("%s is not a finite number", formatDouble(v))
	}
	units, reason := a.fit(doubleMagnitude(v).round(-int(a.t.Scale)))
	if reason != "" {
		return decimalUnits{}, refuse("%s %s", formatDouble(v), reason)
	}
	return units, nil
}

// round returns m without the digits below 10^exp, rounded half away from zero.
func (m magnitude) round(exp int) magnitude {
	drop := exp - m.exp
	if drop <= 0 {
		return m
	}
	if drop > m.count {
		return magnitude{}
	}
	unit := pow10(drop)
	m.digits = m.digits/unit + (m.digits%unit)/(unit/2)
	m.exp = exp
	m.count = len(strconv.FormatUint(m.digits, 10))
	return m
}

func (a *Appender) decimalOf(v any) (decimalUnits, error) {
	switch v := v.(type) {
	case int64:
		return a.decimalInt(v)
	case uint64:
		return a.decimalNumber(Number(strconv.FormatUint(v, 10)))
	case float64:
		return a.decimalDouble(v)
	case Number:
		return a.decimalNumber(v)
	default:
		return decimalUnits{}, refuse("%s is not a number", name(v))
	}
}
