package template

import (
	"bytes"
	"fmt"
	"text/template/parse"
	"unicode/utf8"
)

// Obeys is whether an item keeps the rules, as far as it is rendered. Most items
// do; one of which this is not sure is read as a whole (obey).
type obeys struct {
	begun  []int  // where in out the open elements that rules govern begin
	filled uint64 // by rule: some element that it governs has a text
	unsure bool   // some rule may be broken
}

// maxRules are as many as filled has bits for; with more every item is read.
const maxRules = 64

// requiredMask is the rules of which some element must have a text.
func requiredMask(rules []rule) (mask uint64) {
	for i, r := range rules {
		if r.required && i < maxRules {
			mask |= 1 << i
		}
	}
	return mask
}

// A tagPlace is where in a text of the template the content of an element of the item
// begins or ends.
type tagPlace struct {
	at   int
	name string
	ends bool
}

// text compiles a text, and what happens to rules at the tags in it.
func (c *compiler) text(n *parse.TextNode) step {
	var steps []step
	for _, piece := range c.pieces(n) {
		steps = append(steps, piece.render)
	}
	return sequence(steps)
}

// pieces compiles a text in pieces: what stands between the tags that rules are
// about, and these. The item begins without the blanks that it loses in the end
// (endBlock): then it need not be moved.
func (c *compiler) pieces(n *parse.TextNode) []atom {
	var out []atom
	from := 0
	if n == c.first {
		from = len(n.Text) - len(bytes.TrimLeft(n.Text, blanks))
	}
	for _, t := range c.layout.tags[n] {
		about := c.about(t.name)
		if len(about) == 0 {
			continue
		}
		c.marked = true
		out = append(out, constantAtom(n.Text[from:t.at]))
		from = t.at
		if t.ends {
			c.level--
			c.lowest = min(c.lowest, c.level)
			out = append(out, atom{key: fmt.Sprint("end ", about), level: -1, render: func(p *press) { p.ended(about) }})
		} else {
			c.level++
			out = append(out, atom{key: "begin", level: 1, render: func(p *press) { p.begun = append(p.begun, len(p.out)) }})
		}
	}
	return append(out, constantAtom(n.Text[from:]))
}

func constantAtom(text []byte) atom {
	return atom{key: "text " + string(text), render: constantText(text)}
}

func constantText(text []byte) step { return func(p *press) { p.out = append(p.out, text...) } }

// A governing rule is one of the first rules of a template, by its place.
type governing struct {
	place int
	max   int // 0: none
}

// about returns the rules that govern an element.
func (c *compiler) about(element string) []governing {
	var about []governing
	for i, r := range c.rules {
		if i < maxRules && r.governs(element) {
			about = append(about, governing{i, r.max})
		}
	}
	return about
}

// ended holds what an element holds, which is what was rendered last, against the
// rules about it. A text of so many bytes has no more characters than those.
func (p *press) ended(about []governing) {
	last := len(p.begun) - 1
	content := p.out[p.begun[last]:]
	p.begun = p.begun[:last]
	plain := beginsPlain(content)
	size, blank := len(content), !plain
	for _, r := range about {
		if r.max > 0 && size > r.max || !plain {
			size, blank = textSize(content)
			plain = true
		}
		if r.max > 0 && size > r.max {
			p.unsure = true
		}
		if !blank {
			p.filled |= 1 << r.place
		}
	}
}

// beginsPlain reports whether XML begins with a text, or a CDATA section, that is
// surely not blank.
func beginsPlain(xml []byte) bool {
	other := byte('<')
	if text, section := bytes.CutPrefix(xml, []byte("<![CDATA[")); section {
		xml, other = text, ']'
	}
	if len(xml) == 0 || xml[0] == other {
		return false
	}
	c, _ := utf8.DecodeRune(xml)
	return !isBlank(c)
}
