package template

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
)

// function compiles a call. What is not worth a way of its own goes through the
// functions over values.
func function(name string, args []expression) expression {
	switch name {
	case "and":
		return junction(args, false)
	case "or":
		return junction(args, true)
	case "not":
		return func(p *press) operand { return truth(!args[0](p).holds()) }
	case "eq", "ne", "lt", "le", "gt", "ge":
		return compared(name, args)
	case "default":
		return func(p *press) operand {
			instead, v := args[0](p), args[1](p)
			if v.empty() {
				return instead
			}
			return v
		}
	case "len":
		return func(p *press) operand { return intOperand(p.length(args[0](p))) }
	case "index":
		return indexed(args)
	case "printf":
		return formattedOf(args)
	case "money":
		return moneyOf(args)
	case "join":
		return joinedOf(args)
	case "truncate":
		return truncated(args)
	case "enum":
		return translated(args)
	case "required":
		return required(args)
	case "striphtml":
		return stripped(args)
	case "lower":
		return ofText(eachRune(strings.ToLower), args)
	case "upper":
		return ofText(eachRune(strings.ToUpper), args)
	case "urlquery":
		return ofText(url.QueryEscape, args)
	default:
		return general(name, args)
	}
}

// general calls the function over values.
func general(name string, args []expression) expression {
	return func(p *press) operand {
		values := make([]any, len(args))
		for i, a := range args {
			values[i] = p.boxed(a(p))
		}
		switch name {
		case "index":
			return unboxed(index(values[0], values[1:]...))
		case "printf":
			return unboxed(printf(text(values[0]), values[1:]...))
		case "date":
			return unboxed(date(values[0], values[1]))
		default:
			panic("template: no function " + name)
		}
	}
}

// stripped is striphtml.
func stripped(args []expression) expression {
	return func(p *press) operand {
		v := args[0](p)
		if v.kind == isNull {
			return v
		}
		s := p.text(v)
		if isPlain(s) {
			return textOperand(s)
		}
		from := len(p.scratch)
		p.scratch = appendStripped(p.scratch, s)
		return textOperand(p.made(from))
	}
}

// ofText is a function of texts, null for null.
func ofText(f func(string) string, args []expression) expression {
	return func(p *press) operand {
		v := args[0](p)
		if v.kind == isNull {
			return v
		}
		return textOperand(f(p.text(v)))
	}
}

// junction is and, or: the first value that settles it, else the last.
func junction(args []expression, settles bool) expression {
	return func(p *press) (v operand) {
		for _, a := range args {
			if v = a(p); v.holds() == settles {
				return v
			}
		}
		return v
	}
}

// compared is eq, ne, lt, le, gt and ge.
func compared(name string, args []expression) expression {
	switch {
	case name == "eq" && len(args) > 2:
		return equalToAny(args)
	case name == "eq":
		return func(p *press) operand { return truth(p.equal(args[0](p), args[1](p))) }
	case name == "ne":
		return func(p *press) operand { return truth(!p.equal(args[0](p), args[1](p))) }
	}
	wanted := map[string]func(order int) bool{
		"lt": func(order int) bool { return order < 0 }, "le": func(order int) bool { return order <= 0 },
		"gt": func(order int) bool { return order > 0 }, "ge": func(order int) bool { return order >= 0 },
	}[name]
	return func(p *press) operand {
		order, ok := p.order(args[0](p), args[1](p))
		return truth(ok && wanted(order))
	}
}

func equalToAny(args []expression) expression {
	return func(p *press) operand {
		a, found := args[0](p), false
		for _, b := range args[1:] {
			found = p.equal(a, b(p)) || found
		}
		return truth(found)
	}
}

func (p *press) equal(a, b operand) bool {
	if a.kind == isBool {
		return b.kind == isBool && a.n == b.n
	}
	order, ok := p.order(a, b)
	return ok && order == 0
}

func (p *press) order(a, b operand) (int, bool) {
	switch {
	case a.kind == isNull || b.kind == isNull:
		return 0, false
	case a.kind == isText && b.kind == isText:
		return strings.Compare(a.s, b.s), true
	case a.kind == isInt && b.kind == isInt:
		return cmp.Compare(a.n, b.n), true
	default:
		return compare(p.boxed(a), p.boxed(b))
	}
}

func indexed(args []expression) expression {
	slow := general("index", args)
	if len(args) != 2 {
		return slow
	}
	return func(p *press) operand {
		v, key := args[0](p), args[1](p)
		switch {
		case v.kind == isList && key.kind == isInt:
			from, to := v.span()
			if key.n < 0 || key.n >= int64(to-from) {
				return operand{}
			}
			return operandAt(v.of.(*array.List).ListValues(), from+int(key.n))
		case v.kind == isMap && key.kind == isText:
			return entry(v, key.s)
		default:
			return unboxed(index(p.boxed(v), p.boxed(key)))
		}
	}
}

func moneyOf(args []expression) expression {
	return func(p *press) operand {
		amount, code := args[0](p), p.text(args[1](p))
		if code == "" {
			return operand{}
		}
		from := len(p.scratch)
		dst, ok := p.appendFixed(p.scratch, amount)
		if !ok {
			return operand{}
		}
		p.scratch = append(append(dst, ' '), code...)
		return textOperand(p.made(from))
	}
}

// joinedOf is the texts of a list's values, without nulls, with a separator
// between them; null for null.
func joinedOf(args []expression) expression {
	return func(p *press) operand {
		list, separator := args[0](p), p.text(args[1](p))
		if list.kind != isList {
			return unboxed(joined(p.boxed(list), separator))
		}
		from, first := len(p.scratch), true
		p.each(list, func(_, elem operand) bool {
			if elem.kind == isNull {
				return true
			}
			if !first {
				p.scratch = append(p.scratch, separator...)
			}
			first = false
			p.scratch = p.appendText(p.scratch, elem)
			return true
		})
		return textOperand(p.made(from))
	}
}

func truncated(args []expression) expression {
	return func(p *press) operand {
		n, v := args[0](p), args[1](p)
		if v.kind != isText || n.kind != isInt {
			return unboxed(truncate(p.boxed(n), p.boxed(v)))
		}
		if int64(len(v.s)) <= n.n {
			return v
		}
		return textOperand(v.s[:prefix(v.s, max(n.n, 0))])
	}
}

// prefix is the length of the first n code points of s, eight bytes at a time as
// long as they are ASCII.
func prefix(s string, n int64) int {
	at := 0
	for ; n >= 8 && at+8 <= len(s) && word(s, at)&(0x80*everyByte) == 0; n -= 8 {
		at += 8
	}
	for i := range s[at:] {
		if n == 0 {
			return at + i
		}
		n--
	}
	return len(s)
}

// translated is enum.
func translated(args []expression) expression {
	return func(p *press) operand {
		v := args[0](p)
		if v.kind == isNull {
			return v
		}
		s := p.text(v)
		out, found := textOperand(s), false
		for i := 1; i+1 < len(args); i += 2 {
			from, to := args[i](p), args[i+1](p)
			if !found && from.kind != isNull && p.text(from) == s {
				out, found = to, true
			}
		}
		return out
	}
}

// required gives an item up whose value is empty, or a text that prints nothing.
func required(args []expression) expression {
	return func(p *press) operand {
		name, v := args[0](p), args[1](p)
		if (v.empty() || v.kind == isText && hollow(v.s)) && p.err == nil {
			p.err = missing(p.text(name))
		}
		return v
	}
}
