package template

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// A directive is one % of a printf format.
type directive struct {
	offset int
	text   string // from the % to the verb
	verb   byte
}

// A format has directives such as %d, %-10s and %08.2f; what the language leaves
// out of Go's is * and [n].
var directivePattern = regexp.MustCompile(`^%[-+# 0]{0,4}[0-9]{0,3}(\.[0-9]{0,2})?[%sqvdboxXcUfFeEgGt]`)

// directives finds the directives of a format; for one that is not understood
// ok is false and at its offset.
func directives(format string) (found []directive, at int, ok bool) {
	for {
		next := strings.IndexByte(format[at:], '%')
		if next < 0 {
			return found, at, true
		}
		at += next
		text := directivePattern.FindString(format[at:])
		if text == "" {
			return found, at, false
		}
		if verb := text[len(text)-1]; verb != '%' {
			found = append(found, directive{at, text, verb})
		}
		at += len(text)
	}
}

// printf is fmt.Sprintf over the language's values: null prints as nothing, and
// a verb that does not suit a value prints the value's text.
func printf(format string, args ...any) string {
	wrapped := make([]any, len(args))
	for i, v := range args {
		wrapped[i] = formatted{plain(v)}
	}
	return fmt.Sprintf(format, wrapped...)
}

// A fixedFormat is a format of one directive %.Nf.
type fixedFormat struct {
	before, after string
	digits        int
}

func fixedFormatOf(format string) (f fixedFormat, ok bool) {
	found, _, _ := directives(format)
	if len(found) != 1 || strings.Count(format, "%") > 1 {
		return f, false
	}
	d := found[0]
	if len(d.text) != len("%.2f") || d.text[1] != '.' || d.verb != 'f' {
		return f, false
	}
	return fixedFormat{format[:d.offset], format[d.offset+len(d.text):], int(d.text[2] - '0')}, true
}

// formattedOf is printf, quicker for numbers with so many digits after the point.
func formattedOf(args []expression) expression {
	slow := general("printf", args)
	if len(args) != 2 {
		return slow
	}
	var last string
	var fixed fixedFormat
	var ok bool
	return func(p *press) operand {
		format := args[0](p)
		if format.s != last {
			last = strings.Clone(format.s)
			fixed, ok = fixedFormatOf(last)
		}
		if !ok {
			return slow(p)
		}
		x, number := args[1](p).number()
		if !number {
			return slow(p)
		}
		from := len(p.scratch)
		p.scratch = strconv.AppendFloat(append(p.scratch, fixed.before...), x, 'f', fixed.digits, 64)
		p.scratch = append(p.scratch, fixed.after...)
		return textOperand(p.made(from))
	}
}

// number is a finite number as a double.
func (v operand) number() (x float64, ok bool) {
	switch v.kind {
	case isInt:
		return float64(v.n), true
	case isDouble:
		x = v.double()
		return x, x-x == 0
	case isDecimal:
		return float64(v.n) / math.Pow10(int(v.scale)), true
	default:
		return 0, false
	}
}

type formatted struct{ value any }

// Format writes the value as a verb asks.
func (f formatted) Format(s fmt.State, verb rune) {
	if f.value == nil {
		return
	}
	fmt.Fprintf(s, fmt.FormatString(s, suitable(f.value, verb)), f.operand(verb))
}

// suitable is the verb itself or, where the value does not suit it, s.
func suitable(v any, verb rune) rune {
	switch kindOfVerb(byte(verb)) {
	case anyVerb:
		if verb == 'q' {
			return verb
		}
	case intVerb:
		if _, ok := v.(int64); ok {
			return verb
		}
	case doubleVerb:
		if _, ok := double(v); ok {
			return verb
		}
	case boolVerb:
		if _, ok := v.(bool); ok {
			return verb
		}
	}
	return 's'
}

func (f formatted) operand(verb rune) any {
	switch kindOfVerb(byte(suitable(f.value, verb))) {
	case intVerb, boolVerb:
		return f.value
	case doubleVerb:
		d, _ := double(f.value)
		return d
	default:
		return text(f.value)
	}
}

type verbKind uint8

const (
	anyVerb verbKind = iota
	intVerb
	doubleVerb
	boolVerb
)

func kindOfVerb(verb byte) verbKind {
	switch verb {
	case 'd', 'b', 'o', 'x', 'X', 'c', 'U':
		return intVerb
	case 'f', 'F', 'e', 'E', 'g', 'G':
		return doubleVerb
	case 't':
		return boolVerb
	default:
		return anyVerb
	}
}
