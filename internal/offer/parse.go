package offer

import (
	"fmt"
	"strconv"
	"strings"
)

// A TypeError is a mistake in the text of a type, at a byte offset.
type TypeError struct {
	Offset  int
	Message string
}

func (e *TypeError) Error() string { return e.Message }

// ParseType reads a type such as decimal(12,2), list(string) or
// struct{name: string, stars: int}. Its error is a *TypeError.
func ParseType(text string) (Type, error) {
	p := typeParser{text: text}
	t := p.parse()
	p.space()
	if p.err == nil && p.at < len(text) {
		p.fail("unexpected %q after the type", text[p.at:])
	}
	if p.err != nil {
		return Type{}, p.err
	}
	return t, nil
}

type typeParser struct {
	text string
	at   int
	err  error
}

func (p *typeParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = &TypeError{Offset: p.at, Message: fmt.Sprintf(format, args...)}
	}
}

func (p *typeParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *typeParser) word() string {
	p.space()
	start := p.at
	for p.at < len(p.text) && isWord(p.text[p.at]) {
		p.at++
	}
	return p.text[start:p.at]
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func (p *typeParser) expect(c byte) {
	if !p.accept(c) {
		p.fail("expected %q", c)
	}
}

func (p *typeParser) accept(c byte) bool {
	p.space()
	if p.err != nil || p.at >= len(p.text) || p.text[p.at] != c {
		return false
	}
	p.at++
	return true
}

func (p *typeParser) parse() Type {
	p.space()
	start := p.at
	switch name := p.word(); name {
	case "decimal":
		return p.decimal()
	case "list":
		return p.element(ListOf)
	case "map":
		return p.element(MapOf)
	case "struct":
		return p.members()
	default:
		for k, n := range scalarNames {
			if n == name {
				return Type{Kind: Kind(k)}
			}
		}
		p.at = start
		p.fail("unknown type %q", name)
		return Type{}
	}
}

func (p *typeParser) element(of func(Type) Type) Type {
	p.expect('(')
	t := of(p.parse())
	p.expect(')')
	return t
}

func (p *typeParser) decimal() Type {
	p.expect('(')
	precision := p.number(1, MaxPrecision)
	p.expect(',')
	scale := p.number(0, int(precision))
	p.expect(')')
	return Type{Kind: Decimal, Precision: precision, Scale: scale}
}

func (p *typeParser) number(low, high int) int32 {
	p.space()
	start := p.at
	n, err := strconv.Atoi(p.word())
	if err != nil || n < low || n > high {
		p.at = start
		p.fail("expected a number from %d to %d", low, high)
	}
	return int32(n)
}

func (p *typeParser) members() Type {
	t := StructOf()
	p.expect('{')
	for p.err == nil {
		start := p.at
		name := p.word()
		if name == "" {
			p.fail("expected the name of a member")
		}
		if _, twice := t.Field(name); twice {
			p.at = start
			p.fail("member %s stands twice", name)
		}
		p.expect(':')
		t.Fields = append(t.Fields, Field{Name: name, Type: p.parse()})
		if !p.accept(',') {
			break
		}
	}
	p.expect('}')
	return t
}
