package template

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/feedmill/feedmill/internal/diag"
)

// A rule is what the partner demands of an element of an item.
//
// A required element has to be there and to have a text, within max; an offer
// without it is left out. The text of an element that only has a max is cut to
// so many code points.
type rule struct {
	element  string // with or without its prefix
	required bool
	max      int // 0: none
	at       int // of the name in the template's text
}

// governs reports whether the rule is about elements of a name. A rule without
// prefix is about all elements of the local name.
func (r rule) governs(element string) bool {
	if element == r.element {
		return true
	}
	_, local, found := strings.Cut(element, ":")
	return found && local == r.element
}

type ruleParser struct {
	src   *source
	at    int    // of text in the template
	text  string // YAML
	rules []rule
	found diag.List
}

// newRuleParser returns false for a comment about something else.
func newRuleParser(src *source, n *parse.CommentNode) (*ruleParser, bool) {
	text := strings.TrimSuffix(strings.TrimPrefix(n.Text, "/*"), "*/")
	body := strings.TrimLeft(text, " \t\n")
	at := int(n.Pos) + len("/*") + len(text) - len(body)
	return &ruleParser{src: src, at: at, text: body}, strings.HasPrefix(body, "rules:")
}

func (p *ruleParser) parse() ([]rule, diag.List) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(p.text), &doc); err != nil {
		p.syntax(err)
		return nil, p.found
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode || len(top.Content) != 2 || top.Content[0].Value != "rules" || top.Content[1].Kind != yaml.MappingNode {
		p.hint(p.fail(top, "rules is a map of elements"), "rules: {title: {max: 150}, id: {required: true}}")
		return nil, p.found
	}
	for pair := range slices.Chunk(top.Content[1].Content, 2) {
		p.rule(pair[0], pair[1])
	}
	return p.rules, p.found
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax reports an error of the YAML parser, which names a line at best.
func (p *ruleParser) syntax(err error) {
	line := 1
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil && m[1] != "" {
		line, _ = strconv.Atoi(m[1])
	}
	p.found = append(p.found, p.src.at(p.offset(line, 1), 1, "%s", yamlLine.ReplaceAllString(err.Error(), "")))
}

// offset is the place of a line and column of the YAML in the template.
func (p *ruleParser) offset(line, col int) int {
	at := 0
	for ; line > 1; line-- {
		next := strings.IndexByte(p.text[at:], '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	for ; col > 1 && at < len(p.text); col-- {
		_, size := utf8.DecodeRuneInString(p.text[at:])
		at += size
	}
	return p.at + at
}

func (p *ruleParser) fail(n *yaml.Node, format string, args ...any) *diag.Diagnostic {
	p.found = append(p.found, p.src.at(p.offset(n.Line, n.Column), max(len(n.Value), 1), format, args...))
	return &p.found[len(p.found)-1]
}

func (p *ruleParser) rule(name, body *yaml.Node) {
	r := rule{element: name.Value, at: p.offset(name.Line, name.Column)}
	if body.Kind != yaml.MappingNode {
		p.hint(p.fail(body, "a rule is a map"), "{required: true, max: 150}")
		return
	}
	for _, other := range p.rules {
		if other.element == r.element {
			p.fail(name, "%s has two rules", r.element)
		}
	}
	seen := map[string]bool{}
	for pair := range slices.Chunk(body.Content, 2) {
		if seen[pair[0].Value] {
			p.fail(pair[0], "%s stands twice", pair[0].Value)
		}
		seen[pair[0].Value] = true
		p.key(&r, pair[0], pair[1])
	}
	p.rules = append(p.rules, r)
}

func (p *ruleParser) hint(d *diag.Diagnostic, format string, args ...any) {
	*d = d.WithHint(format, args...)
}

func (p *ruleParser) key(r *rule, key, value *yaml.Node) {
	switch key.Value {
	case "required":
		if err := value.Decode(&r.required); err != nil {
			p.fail(value, "required is true or false")
		}
	case "max":
		if err := value.Decode(&r.max); err != nil || r.max < 1 {
			p.fail(value, "max is a number of characters, at least 1")
		}
	default:
		p.hint(p.fail(key, "there is no rule %s", key.Value), "%s", diag.DidYouMean(key.Value, []string{"required", "max"}))
	}
}

// checkRules checks that the rules are about elements of the item, and that
// those that may be cut hold text alone.
func checkRules(src *source, rules []rule, found layout) diag.List {
	var mistakes diag.List
	for _, r := range rules {
		names := sorted(found.elements)
		governed := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !r.governs(name) })
		if len(governed) == 0 {
			mistakes = append(mistakes, src.at(r.at, len(r.element), "the item has no element %s", r.element).
				WithHint("%s", diag.DidYouMean(r.element, names)))
		}
		for _, name := range governed {
			if r.max > 0 && found.parents[name] {
				mistakes = append(mistakes, src.at(r.at, len(r.element), "<%s> holds elements and has no text of its own for max", name))
			}
		}
	}
	return mistakes
}
