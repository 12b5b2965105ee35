package workspace

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/feedmill/feedmill/internal/diag"
)

// maxDepth and maxNodes bound what aliases can blow a page up to.
const (
	maxDepth = 100
	maxNodes = 1_000_000
)

// A book is what all values of a load share.
type book struct {
	list  diag.List
	nodes int
	rest  diag.Text // what a comma cut off the value before it, which YAML takes for keys
}

func (b *book) report(d diag.Diagnostic) { b.list = append(b.list, d) }

// A value is a node of a page that is being read, with what it may refer to.
// Its methods report what is wrong and return a zero value then.
type value struct {
	*book
	page  *page
	scope scope
	node  *yaml.Node
	name  diag.Text // the key under which it stands; empty for roots
	depth int
	flow  bool // inside { } or [ ]
	one   bool // an element of the list that stands under the key
}

func (b *book) root(p *page, n *yaml.Node, s scope) value {
	return value{book: b, page: p, scope: s}.child(diag.Text{}, n)
}

// child returns a node below v.
func (v value) child(name diag.Text, n *yaml.Node) value {
	v.flow = v.flow || v.node != nil && v.node.Style&yaml.FlowStyle != 0
	v.name, v.depth, v.one = name, v.depth+1, false
	for range maxDepth {
		if n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	v.node = n
	return v
}

// tooMuch reports a page that refers to itself or repeats itself without end.
func (v value) tooMuch() bool {
	v.nodes++
	if v.depth <= maxDepth && v.nodes <= maxNodes {
		return false
	}
	if v.nodes <= maxNodes+1 {
		v.fail("this is nested too deeply, or repeats other parts too often")
	}
	return true
}

// fail reports a mistake in the value.
func (v value) fail(format string, args ...any) { v.report(v.at(format, args...)) }

// at is a diagnostic for the value as a whole.
func (v value) at(format string, args ...any) diag.Diagnostic {
	line, col := v.place()
	return v.page.At(line, col, v.length(), format, args...)
}

func (v value) place() (line, col int) {
	if v.node.Kind != yaml.ScalarNode {
		return v.node.Line, v.node.Column
	}
	return v.page.place(v.page.content(v.page.offset(v.node.Line, v.node.Column)))
}

func (v value) length() int {
	if v.node.Kind != yaml.ScalarNode {
		return 1
	}
	from := v.page.content(v.page.offset(v.node.Line, v.node.Column))
	text := v.page.text[from:max(v.page.scalar(v.node).end, from)]
	first, _, _ := strings.Cut(text, "\n")
	return max(runes(first), 1)
}

// kind says in words what the value is.
func (v value) kind() string {
	switch {
	case v.node.Kind == yaml.MappingNode:
		return "a map (key: value)"
	case v.node.Kind == yaml.SequenceNode:
		return "a list"
	case v.isNull():
		return "nothing"
	}
	return "a text"
}

func (v value) isNull() bool {
	return v.node.Kind == yaml.ScalarNode && v.node.Style == 0 && v.node.Tag == "!!null"
}

func (v value) isList() bool { return v.node.Kind == yaml.SequenceNode }
func (v value) isMap() bool  { return v.node.Kind == yaml.MappingNode }

// wanted reports that something else stands here.
func (v value) wanted(what string) {
	if v.isNull() {
		v.report(v.head("nothing stands after %s", v.subject()).WithHint("write %s, or leave the key out", what))
		return
	}
	d := v.at("%s must be %s, and this is %s", v.subject(), what, v.kind())
	if v.isMap() && strings.HasPrefix(v.page.text[v.page.offset(v.node.Line, v.node.Column):], "{{") {
		d = d.WithHint("put a value that begins with {{ in quotes")
	}
	v.report(d)
}

func (v value) subject() string {
	if v.name.Value == "" {
		return "this"
	}
	return v.name.Value
}

// text returns a scalar as it is written, with references expanded.
func (v value) text() (diag.Text, bool) {
	if v.node.Kind != yaml.ScalarNode || v.isNull() {
		v.wanted("a text")
		return diag.Text{}, false
	}
	if v.node.Style&yaml.TaggedStyle != 0 || v.page.text[v.page.offset(v.node.Line, v.node.Column)] == '!' {
		v.tagged()
		return diag.Text{}, false
	}
	raw := diag.Text{File: v.page.File, Value: v.node.Value, Marks: v.page.scalar(v.node).marks}
	text, mistakes := v.scope.expand(raw)
	v.list = append(v.list, mistakes...)
	return text, len(mistakes) == 0
}

// tagged reports a value with a YAML tag, which mostly is an expression that
// begins with "not". A ! alone is a tag, too, which the parser says nothing of.
func (v value) tagged() {
	from := v.page.offset(v.node.Line, v.node.Column)
	line, col := v.page.place(from)
	source, _, _ := strings.Cut(v.page.text[from:], "\n")
	if v.flow {
		source, _, _ = strings.Cut(source, ",")
		source = strings.TrimRight(source, "}] ")
	}
	why, _ := beginning(source, v.flow)
	v.report(v.page.At(line, col, runes(source), "%s", why.message).WithHint("%s", why.hint))
}

// word returns a text that is not empty, without what stands around it.
func (v value) word() string {
	t, ok := v.text()
	if !ok {
		return ""
	}
	if strings.TrimSpace(t.Value) == "" {
		v.fail("%s is empty", v.subject())
	}
	return t.Value
}

// file returns the path of a file or folder; like all relative paths one is relative to
// feedmill.yaml.
func (v value) file() string {
	path := v.word()
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(v.page.Name), path)
}

// items returns the elements of a list; a single value counts as a list of one.
func (v value) items() []value {
	if !v.isList() {
		if v.isNull() {
			v.wanted("a list")
			return nil
		}
		return []value{v}
	}
	out := make([]value, 0, len(v.node.Content))
	for _, n := range v.node.Content {
		e := v.child(v.name, n)
		e.one = true
		if !e.tooMuch() {
			out = append(out, e)
		}
	}
	return out
}

// words returns the texts of a list.
func (v value) words() []string {
	var out []string
	for _, e := range v.items() {
		if w := e.word(); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// An entry is a key of a map with its value.
type entry struct {
	name  diag.Text
	value value
}

// entries returns the entries of a map in their order, reporting keys that stand
// twice.
func (v value) entries() []entry {
	if !v.isMap() {
		v.wanted("a map (key: value)")
		return nil
	}
	var out []entry
	seen := map[string]diag.Text{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		e, ok := v.entry(v.node.Content[i], v.node.Content[i+1])
		if !ok {
			continue
		}
		if first, twice := seen[e.name.Value]; twice {
			line, _ := first.Place(0)
			v.report(e.name.At(0, runes(e.name.Value), "%s stands twice", e.name.Value).WithHint("the first one is in line %d", line))
			continue
		}
		seen[e.name.Value] = e.name
		out = append(out, e)
	}
	return out
}

func (v value) entry(key, val *yaml.Node) (entry, bool) {
	k := v.child(diag.Text{}, key)
	if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
		k.report(k.at("a key must be a plain word").WithHint("write every key out; << is not supported"))
		return entry{}, false
	}
	name := diag.Text{File: v.page.File, Value: key.Value, Marks: v.page.scalar(key).marks}
	e := entry{name: name, value: v.child(name, val)}
	return e, !e.value.tooMuch()
}

// fields says what is done with each key that a map may have.
type fields map[string]func(value)

// object reads a map with known keys and returns those that it has.
func (v value) object(known fields) map[string]value {
	has := map[string]value{}
	for _, e := range v.entries() {
		read, ok := known[e.name.Value]
		if !ok {
			v.unknown(e, known)
			if meant := diag.Suggest(e.name.Value, slices.Sorted(maps.Keys(known))); v.lookUp(meant) == nil {
				has[meant] = e.value // so that it is not missed as well
			}
			continue
		}
		has[e.name.Value] = e.value
		read(e.value)
	}
	return has
}

func (v value) unknown(e entry, known fields) {
	if v.isRest(e.name) {
		return
	}
	names := slices.Sorted(maps.Keys(known))
	d := e.name.At(0, runes(e.name.Value), "unknown key %s", e.name.Value)
	if e.name.Value == "" {
		d = e.name.At(0, 1, "a key is empty")
	}
	if strings.ContainsRune(e.name.Value, '\u00a0') {
		v.report(d.WithHint("there is a no-break space in it; write it with ordinary spaces"))
		return
	}
	if e.value.isNull() && v.node.Style&yaml.FlowStyle != 0 && strings.ContainsAny(e.name.Value, `()"'`) {
		v.report(d.WithHint("a comma ends a value inside { }: put a value that has one in quotes"))
		return
	}
	v.report(d.WithHint("%s", nearest(e.name.Value, names)))
}

// isRest reports whether a text is what a comma cut off the value before it, or a part
// of that.
func (b *book) isRest(t diag.Text) bool {
	line, col := t.Place(0)
	restLine, restCol := b.rest.Place(0)
	return line > 0 && t.File == b.rest.File && line == restLine && restCol <= col && col < restCol+runes(b.rest.Value)
}

// nearest is a hint: the name that was meant, or all there are.
func nearest(word string, names []string) string {
	if hint := diag.DidYouMean(word, names); hint != "" && runes(word) > 1 {
		return hint
	}
	var known []string
	for _, name := range names {
		if name != "" && !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	if len(known) == 0 {
		return ""
	}
	return "possible here: " + strings.Join(known, ", ")
}

// require reports the keys that a map lacks.
func (v value) require(has map[string]value, keys ...string) bool {
	complete := v.isMap()
	for _, key := range keys {
		if _, found := has[key]; !found && v.isMap() {
			v.report(v.head("%s has no %s", v.subject(), key))
			complete = false
		}
	}
	return complete
}

// head is a diagnostic for the key of a value or, without one, for where the
// value begins.
func (v value) head(format string, args ...any) diag.Diagnostic {
	if v.name.Value != "" && !v.one {
		return v.name.At(0, runes(v.name.Value), format, args...)
	}
	return v.at(format, args...)
}
