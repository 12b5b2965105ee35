package offer

import (
	"bytes"
	"math"
	"strconv"
)

// A Number is an exact decimal number, such as -12.50, that neither an int64 nor
// a float64 holds without loss: a decimal of a Parquet source or an integer of
// more than 64 bits. Its text has an optional sign, digits and at most one point
// between digits. Expressions see the nearest double.
type Number string

// Double returns the nearest double, an infinity when there is none.
func (n Number) Double() float64 {
	v, _ := strconv.ParseFloat(string(n), 64)
	return v
}

// A magnitude is digits x 10^exp, digits without trailing zeros. It is wide when
// it has more digits than a uint64 holds for certain.
type magnitude struct {
	negative bool
	digits   uint64
	count    int // of digits
	exp      int
	wide     bool
}

const maxDigits = 19

// parseMagnitude reads [+-]digits[point digits][e[+-]digits], where digits may
// be missing on one side of the point.
func parseMagnitude(text []byte, point byte) (magnitude, bool) {
	var m magnitude
	text = m.sign(text)
	whole, text := leadingDigits(text)
	m.add(whole)
	var fraction []byte
	if len(text) > 0 && text[0] == point {
		fraction, text = leadingDigits(text[1:])
		m.add(fraction)
	}
	if len(whole)+len(fraction) == 0 {
		return m, false
	}
	exp, ok := exponent(text)
	m.exp += exp - len(fraction)
	return m, ok
}

func (m *magnitude) sign(text []byte) []byte {
	if len(text) == 0 || text[0] != '-' && text[0] != '+' {
		return text
	}
	m.negative = text[0] == '-'
	return text[1:]
}

func leadingDigits(text []byte) (digits, rest []byte) {
	n := 0
	for n < len(text) && text[n]-'0' <= 9 {
		n++
	}
	return text[:n], text[n:]
}

// add appends digits. Zeros wait in exp until another digit follows.
func (m *magnitude) add(digits []byte) {
	for _, c := range digits {
		switch {
		case c == '0' && m.digits == 0:
		case c == '0':
			m.exp++
		default:
			m.push(uint64(c - '0'))
		}
	}
}

func (m *magnitude) push(digit uint64) {
	m.count += m.exp + 1
	if m.count > maxDigits {
		m.wide = true
		m.digits, m.exp = 1, 0
		return
	}
	m.digits = m.digits*pow10(m.exp+1) + digit
	m.exp = 0
}

// exponent reads nothing or e[+-]digits of at most four digits.
func exponent(text []byte) (int, bool) {
	if len(text) == 0 {
		return 0, true
	}
	if text[0] != 'e' && text[0] != 'E' || len(text) > 6 {
		return 0, false
	}
	n, err := strconv.Atoi(string(text[1:]))
	return n, err == nil
}

func pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// doubleMagnitude returns the shortest decimal that reads back as v, which must
// be finite.
func doubleMagnitude(v float64) magnitude {
	var buf [32]byte
	m, _ := parseMagnitude(strconv.AppendFloat(buf[:0], v, 'e', -1, 64), '.')
	return m
}

// formatDouble returns the shortest text of v: without an exponent from 1e-6 up
// to 1e21.
func formatDouble(v float64) string {
	size := math.Abs(v)
	if size != 0 && (size < 1e-6 || size >= 1e21) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// parseIntText reads [+-]digits[point zeros]. It is not ok when the text is
// something else, and does not fit when 64 bits are too few.
func parseIntText(text []byte, point byte) (v int64, fits, ok bool) {
	whole, fraction, _ := bytes.Cut(text, []byte{point})
	if len(bytes.Trim(fraction, "0")) > 0 || !isInteger(whole) {
		return 0, false, false
	}
	v, err := strconv.ParseInt(string(whole), 10, 64)
	return v, err == nil, true
}

func isInteger(text []byte) bool {
	var m magnitude
	digits, rest := leadingDigits(m.sign(text))
	return len(digits) > 0 && len(rest) == 0
}
