package template

import (
	"regexp"
	"strconv"
	"strings"
)

// A problem is why the next character cannot stand where it does.
type problem struct{ message, hint string }

func wrong(message, hint string) *problem { return &problem{message, hint} }

// read goes over one byte of the template's own text, at an offset. Bytes beyond ASCII are
// only text.
func (m markup) read(c byte, at int) (markup, *problem) {
	first := !m.begun
	if !blank(c) {
		m.begun = true
	}
	switch m.mode {
	case inContent:
		m.first = first
		return m.content(c)
	case afterLess:
		return m.less(c)
	case afterBang:
		return m.bang(c)
	case inName, inTag, afterTagPart, afterSlash:
		return m.inOpenTag(c, at)
	case inAttributeName, beforeEquals, beforeValue:
		return m.attribute(c)
	case inValue:
		return m.value(c)
	case inEndName, afterEndName:
		return m.endTag(c)
	case inReference:
		return m.reference(c)
	default:
		return m.section(c)
	}
}

func (m markup) content(c byte) (markup, *problem) {
	switch {
	case c == '<':
		m.mode, m.tail = afterLess, 0
		return m, nil
	case blank(c):
		m.tail = 0
		return m, nil
	case !m.inside():
		return m, wrong("text cannot stand "+m.where(), m.outsideHint())
	case c == '&':
		m.mode, m.back, m.word, m.tail = inReference, inContent, "", 0
	case c == '>' && m.tail >= 2:
		return m, wrong("this > may end a ]]>", "write &gt;")
	case c == ']':
		m.tail = min(m.tail+1, 2)
	default:
		m.tail = 0
	}
	return m, nil
}

func (m markup) less(c byte) (markup, *problem) {
	m.word = ""
	switch {
	case c == '/':
		m.mode = inEndName
	case c == '!':
		m.mode = afterBang
	case c == '?':
		m.mode = inInstruction
	case nameStart(c):
		if len(m.open) == 0 && m.rooted {
			return m, wrong("a second root element", "a feed is one XML document")
		}
		m.mode, m.word = inName, string(c)
	default:
		return m, wrong("a < that begins no tag", "write &lt;")
	}
	return m, nil
}

func (m markup) bang(c byte) (markup, *problem) {
	m.word += string(c)
	switch {
	case m.word == "--":
		m.mode, m.tail = inComment, 0
	case m.word == "[CDATA[" && !m.inside():
		m.mode = inContent
		return m, wrong("text cannot stand "+m.where(), m.outsideHint())
	case m.word == "[CDATA[":
		m.mode, m.tail = inCDATA, 0
	case m.word == "DOCTYPE" && (m.rooted || m.typed || m.floor > 0):
		return m, wrong("a DOCTYPE behind the beginning", "it stands in the header, before the first element")
	case m.word == "DOCTYPE":
		m.mode, m.quote, m.typed = inDoctype, 0, true
	case !strings.HasPrefix("--", m.word) && !strings.HasPrefix("[CDATA[", m.word) && !strings.HasPrefix("DOCTYPE", m.word):
		return m, wrong("<! begins neither a comment nor a CDATA section", "write &lt;!")
	}
	return m, nil
}

func (m markup) inOpenTag(c byte, at int) (markup, *problem) {
	if m.mode == inName {
		if nameChar(c) {
			m.word += string(c)
			return m, nil
		}
		if !qualified(m.word) {
			return m, wrong("<"+m.word+"> is not a name", "")
		}
		m = m.nameEnded()
	}
	switch {
	case m.mode == afterSlash:
		if c != '>' {
			return m, wrong("a / in a tag that does not end it", "write />")
		}
		return m.tagEnded(false, at)
	case c == '>':
		return m.tagEnded(true, at)
	case c == '/':
		m.mode = afterSlash
	case blank(c):
		m.mode = inTag
	case m.mode == inTag && nameStart(c):
		m.mode, m.word = inAttributeName, string(c)
	default:
		return m, wrong("this cannot stand in a tag", `attributes are written name="value", with a blank before each`)
	}
	return m, nil
}

// nameEnded takes what was read of a tag for its name.
func (m markup) nameEnded() markup {
	m.tag, m.attrs, m.word, m.mode = m.word, "", "", afterTagPart
	return m
}

func (m markup) tagEnded(opens bool, at int) (markup, *problem) {
	if prefix := m.undeclared(); prefix != "" {
		return m, wrong("the prefix "+prefix+" is not declared", `add xmlns:`+prefix+`="..." to an element around it`)
	}
	if opens {
		return m.push(at), nil
	}
	return m.closeTag(), nil
}

func (m markup) attribute(c byte) (markup, *problem) {
	switch {
	case m.mode == inAttributeName && nameChar(c):
		m.word += string(c)
		return m, nil
	case m.mode == inAttributeName && !qualified(m.word):
		return m, wrong(m.word+" is not a name", "")
	case m.mode == inAttributeName && m.has(m.word):
		return m, wrong("the attribute "+m.word+" stands twice", "")
	case m.mode == inAttributeName && (m.word == "xmlns:xml" || m.word == "xmlns:xmlns"):
		return m, wrong(m.word+" cannot be declared", "")
	case m.mode == inAttributeName:
		m.attrs += " " + m.word
		m.word, m.mode = "", beforeEquals
	}
	switch {
	case blank(c):
	case m.mode == beforeEquals && c == '=':
		m.mode = beforeValue
	case m.mode == beforeValue && (c == '"' || c == '\''):
		m.mode, m.quote, m.tail = inValue, c, 0
		m.names = m.lastAttribute() == "xmlns" || strings.HasPrefix(m.lastAttribute(), "xmlns:")
	default:
		return m, wrong("an attribute without a quoted value", `write name="value"`)
	}
	return m, nil
}

func (m markup) value(c byte) (markup, *problem) {
	switch c {
	case m.quote:
		if m.names && m.tail == 0 && m.lastAttribute() != "xmlns" {
			return m, wrong("a prefix is declared as nothing", "")
		}
		m.mode, m.quote, m.tail, m.names = afterTagPart, 0, 0, false
		return m, nil
	case '<':
		return m, wrong("a < inside an attribute", "write &lt;")
	case '&':
		m.mode, m.back, m.word = inReference, inValue, ""
	}
	m.tail = 1
	return m, nil
}

func (m markup) endTag(c byte) (markup, *problem) {
	switch {
	case m.mode == inEndName && nameChar(c):
		m.word += string(c)
		return m, nil
	case blank(c) && m.word != "":
		m.mode = afterEndName
		return m, nil
	case c != '>' || m.word == "":
		return m, wrong("this cannot stand in an end tag", "write </name>")
	case len(m.open) <= m.floor:
		return m, wrong("</"+m.word+"> ends an element that this block has not begun", "")
	case m.innermost() != m.word:
		return m, wrong("</"+m.word+"> stands where </"+m.innermost()+"> is due", "")
	}
	return m.pop(), nil
}

var referencePattern = regexp.MustCompile(`^(amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6})$`)

func (m markup) reference(c byte) (markup, *problem) {
	if c != ';' {
		if m.word += string(c); len(m.word) > 8 || !nameChar(c) && c != '#' {
			return m, wrong("an & that begins no reference", "write &amp;")
		}
		return m, nil
	}
	if !referencePattern.MatchString(m.word) || !allowedReference(m.word) {
		return m, wrong("XML does not know &"+m.word+";", "use the character itself, or its number: &#160;")
	}
	m.mode, m.word = m.back, ""
	return m, nil
}

// section reads what has an end of its own.
func (m markup) section(c byte) (markup, *problem) {
	switch m.mode {
	case inCDATA:
		return m.ended(c, ']', 2), nil
	case inComment:
		if m.tail == 2 && c != '>' {
			return m, wrong("-- inside an XML comment", "")
		}
		return m.ended(c, '-', 2), nil
	case inInstruction:
		m.word += string(c)
		if m = m.ended(c, '?', 1); m.mode == inContent {
			return m.instruction()
		}
		return m, nil
	default:
		return m.doctype(c)
	}
}

// ended goes back to content behind n or more of an ending character and a >.
func (m markup) ended(c, ending byte, n int) markup {
	switch {
	case c == '>' && m.tail >= n:
		m.mode, m.tail = inContent, 0
	case c == ending:
		m.tail = min(m.tail+1, n)
	default:
		m.tail = 0
	}
	return m
}

var declarationPattern = regexp.MustCompile(`^xml` + pseudoAttribute("version", `1\.0`) +
	`(` + pseudoAttribute("encoding", `(?i:utf-8)`) + `)?(` + pseudoAttribute("standalone", `(yes|no)`) + `)?[ \t\n]*\?>$`)

func pseudoAttribute(name, value string) string {
	return `[ \t\n]+` + name + `[ \t\n]*=[ \t\n]*("` + value + `"|'` + value + `')`
}

var instructionPattern = regexp.MustCompile(`^[A-Za-z_][-A-Za-z0-9_.]*([ \t\n](?s:.*))?\?>$`)

func (m markup) instruction() (markup, *problem) {
	word := m.word
	m.word = ""
	switch {
	case !instructionPattern.MatchString(word):
		return m, wrong("an instruction without a name", "")
	case len(word) < 4 || !strings.EqualFold(word[:3], "xml") || nameChar(word[3]):
		return m, nil
	case !strings.HasPrefix(word, "xml") || !declarationPattern.MatchString(word):
		return m, wrong("a feed is XML 1.0 in UTF-8", `write <?xml version="1.0" encoding="UTF-8"?>`)
	case !m.first || m.floor > 0 || m.rooted:
		return m, wrong("an XML declaration behind the beginning", "it is the first of the header")
	default:
		return m, nil
	}
}

var doctypePattern = regexp.MustCompile(`^DOCTYPE[ \t\n]+[A-Za-z_][-A-Za-z0-9_.:]*` +
	`([ \t\n]+(SYSTEM|PUBLIC[ \t\n]+("[-a-zA-Z0-9 '()+,./:=?;!*#@$_%]*"|'[-a-zA-Z0-9 ()+,./:=?;!*#@$_%]*'))[ \t\n]+("[^"#]*"|'[^'#]*'))?[ \t\n]*$`)

func (m markup) doctype(c byte) (markup, *problem) {
	switch {
	case m.quote != 0:
		if c == m.quote {
			m.quote = 0
		}
	case c == '"' || c == '\'':
		m.quote = c
	case c == '[' || c == '<':
		return m, wrong("a DOCTYPE with declarations of its own", `write <!DOCTYPE name SYSTEM "address">`)
	case c == '>' && !doctypePattern.MatchString(m.word):
		return m, wrong("this is no DOCTYPE", `write <!DOCTYPE name SYSTEM "address">`)
	case c == '>':
		m.mode, m.word = inContent, ""
		return m, nil
	}
	m.word += string(c)
	return m, nil
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func nameStart(c byte) bool { return isLetter(c) || c == '_' }

func nameChar(c byte) bool { return nameStart(c) || isDigit(c) || c == '-' || c == '.' || c == ':' }

// qualified reports whether a word of name characters has at most one colon,
// with a name on either side.
func qualified(word string) bool {
	prefix, local, found := strings.Cut(word, ":")
	return prefix != "" && nameStart(prefix[0]) && (!found || local != "" && nameStart(local[0]) && !strings.Contains(local, ":"))
}

// allowedReference reports whether a reference is to a character of XML 1.0.
func allowedReference(word string) bool {
	if word[0] != '#' {
		return true
	}
	base, number := 10, word[1:]
	if hex, ok := strings.CutPrefix(number, "x"); ok {
		base, number = 16, hex
	}
	n, err := strconv.ParseInt(number, base, 32)
	return err == nil && allowed(rune(n))
}
