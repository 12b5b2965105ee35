package template

import (
	"slices"
	"strings"
)

// A mode is where in the XML a reader of the template's own text is.
type mode uint8

const (
	inContent       mode = iota
	afterLess            // <
	afterBang            // <!
	inName               // the name of an element that begins
	inTag                // between attributes, after a blank
	afterTagPart         // right behind a name or a value: a blank, / or > must follow
	inAttributeName      //
	beforeEquals         //
	beforeValue          //
	inValue              //
	afterSlash           // the / of <a/>
	inEndName            //
	afterEndName         //
	inReference          // &amp;
	inCDATA              //
	inComment            //
	inInstruction        // <?xml ... ?>
	inDoctype            //
)

// A markup is the state of a reader of XML between two characters. It is a
// value: reading on gives another.
type markup struct {
	position
	open   []element // the open elements, outermost first
	floor  int       // how many of them were opened outside of this block
	filled bool      // text may stand between the block's outermost elements
	loose  bool      // what is open is not known, for an earlier mistake: any prefix may be declared
}

type position struct {
	mode   mode
	quote  byte   // of the value or doctype literal that is open
	back   mode   // where a reference returns to
	word   string // the name, reference or opening being read
	tail   int    // how many of the characters that end a construct were just read
	tag    string // the element whose tag is open
	attrs  string // names of its attributes, each after a blank
	begun  bool   // something other than blanks was read
	first  bool   // the construct being read is the first
	rooted bool   // the root element has begun
	typed  bool   // there was a DOCTYPE
	names  bool   // the value that is open declares a name space
}

// An element is an open element.
type element struct {
	name     string
	prefixes string // that its tag declares, each after a blank
	at       int    // where its tag ends in the template's text
}

// inside reports whether text may stand here.
func (m markup) inside() bool { return len(m.open) > m.floor || m.filled }

func (m markup) innermost() string {
	if len(m.open) == 0 {
		return ""
	}
	return m.open[len(m.open)-1].name
}

func (m markup) push(at int) markup {
	e := element{name: m.tag, at: at}
	for a := range strings.FieldsSeq(m.attrs) {
		if prefix, ok := strings.CutPrefix(a, "xmlns:"); ok {
			e.prefixes += " " + prefix
		}
	}
	m.open = append(slices.Clip(m.open), e)
	return m.closeTag()
}

func (m markup) closeTag() markup {
	m.mode, m.word, m.tag, m.attrs, m.tail, m.rooted = inContent, "", "", "", 0, true
	return m
}

func (m markup) pop() markup {
	m.open = m.open[:len(m.open)-1]
	m.mode, m.word, m.tail = inContent, "", 0
	return m
}

// declares reports whether a prefix is declared around the open tag or in it.
func (m markup) declares(prefix string) bool {
	if m.loose || prefix == "xml" || prefix == "xmlns" || slices.Contains(strings.Fields(m.attrs), "xmlns:"+prefix) {
		return true
	}
	return slices.ContainsFunc(m.open, func(e element) bool { return slices.Contains(strings.Fields(e.prefixes), prefix) })
}

// undeclared returns a prefix in the open tag that nothing declares, or "".
func (m markup) undeclared() string {
	if strings.HasPrefix(m.tag, "xmlns:") {
		return "xmlns"
	}
	for _, name := range append(strings.Fields(m.attrs), m.tag) {
		prefix, _, found := strings.Cut(strings.TrimPrefix(name, sometimes), ":")
		if found && !m.declares(prefix) {
			return prefix
		}
	}
	return ""
}

// called is the state in which a block begins that is called from here: what is
// open stays open, and only the prefixes matter.
func (m markup) called() markup {
	outer := element{name: m.innermost()}
	for _, e := range m.open {
		outer.prefixes += e.prefixes
	}
	m.filled = m.inside()
	m.open, m.floor = []element{outer}, 1
	return m
}

// merge is the state behind two branches that ended in a and b; ok is false when
// they cannot go on as one.
func merge(a, b markup) (merged markup, ok bool) {
	if len(a.open) != len(b.open) {
		return a, false
	}
	merged = a
	merged.open = nil
	for i := range a.open {
		if a.open[i].name != b.open[i].name {
			return a, false
		}
		e := a.open[i]
		e.prefixes = common(e.prefixes, b.open[i].prefixes)
		merged.open = append(merged.open, e)
	}
	merged.position, ok = mergePositions(a.position, b.position)
	return merged, ok
}

func mergePositions(a, b position) (position, bool) {
	if between(a.mode) && between(b.mode) && a.mode != b.mode {
		a.mode, b.mode = afterTagPart, afterTagPart
	}
	if a.attrs != b.attrs {
		if a.mode != b.mode || !between(a.mode) {
			return a, false
		}
		a.attrs = attributesOf(a.attrs, b.attrs)
		b.attrs = a.attrs
	}
	a.tail = max(a.tail, b.tail)
	b.tail = a.tail
	a.begun = a.begun || b.begun
	b.begun = a.begun
	a.typed = a.typed || b.typed
	b.typed = a.typed
	b.first = a.first
	return a, a == b
}

// Sometimes marks the declaration of a name space that stands in one branch
// only, so that nothing may rely on it.
const sometimes = "?"

// attributesOf is the names of the attributes that a tag may have behind two
// branches.
func attributesOf(a, b string) string {
	merged := ""
	for name := range strings.FieldsSeq(a + b) {
		both := slices.Contains(strings.Fields(a), name) && slices.Contains(strings.Fields(b), name)
		if !both && strings.HasPrefix(name, "xmlns") {
			name = sometimes + name
		}
		if !slices.Contains(strings.Fields(merged), name) {
			merged += " " + name
		}
	}
	return merged
}

// has reports whether the open tag may already have an attribute.
func (m markup) has(name string) bool {
	names := strings.Fields(m.attrs)
	return slices.Contains(names, name) || slices.Contains(names, sometimes+name)
}

// lastAttribute is the name of the attribute read last.
func (m markup) lastAttribute() string { return m.attrs[strings.LastIndexByte(m.attrs, ' ')+1:] }

// between reports whether the mode is one between the attributes of a tag.
func between(m mode) bool { return m == inTag || m == afterTagPart }

func common(a, b string) string {
	both := ""
	for _, prefix := range strings.Fields(a) {
		if slices.Contains(strings.Fields(b), prefix) {
			both += " " + prefix
		}
	}
	return both
}

// outsideHint says why text cannot stand where inside is false.
func (m markup) outsideHint() string {
	if len(m.open) > 0 {
		return "an item is made of elements"
	}
	return ""
}

// where describes the state for messages.
func (m markup) where() string {
	switch m.mode {
	case inContent:
		if name := m.innermost(); name != "" {
			return "inside <" + name + ">"
		}
		return "outside of any element"
	case inValue:
		if m.names {
			return "inside the declaration of a name space"
		}
		return "inside an attribute"
	case beforeValue:
		return "where the quote of an attribute is due"
	case inCDATA:
		return "inside a CDATA section"
	case inComment:
		return "inside an XML comment"
	case inReference:
		return "inside a reference"
	case inInstruction, inDoctype, afterBang:
		return "inside a declaration"
	default:
		return "inside a tag"
	}
}
