// Package template is the language in which a partner's format is written: a
// Go text/template of the blocks header, item and footer, checked against the
// offer's schema and rendered with the rules of null and of XML.
//
// Its promise: whatever Parse accepts renders to one well-formed XML document,
// whatever the offers hold, and a value never ends an element, an attribute or
// a CDATA section.
//
// An item is compiled to functions that read Arrow columns and append to one
// buffer (press.go). What stands alike in several renderings of the same offers is
// rendered for the first of them and copied for the others (shared.go), in runs
// as long as they are alike (runs.go), and rules are held against elements as they
// end (obeys.go), so that most of an item is one copy: 20 renderings of items of
// 900 bytes went at 2.9 GB/s, CRC included, 85 times the speed of text/template;
// one alone, of short values, at 0.5 GB/s, 16 times. Header and footer, which
// stand once in a feed, go through text/template over wrapped values
// (execution.go), and so does the item in the tests: it is what a press has to
// equal, to the byte and the count.
//
// The rules that go beyond text/template:
//
//   - The three blocks together are one document. The header begins the root
//     element, the footer ends it, an item is elements between them. Each block
//     loses the blanks around it and gets a line feed, so that no item shares a
//     line with another. An item that renders to nothing leaves its offer out.
//   - Values stand in text, in attributes and in CDATA sections and are escaped
//     for it. Branches and loops must leave the XML as they found it.
//   - null prints as nothing, selecting through it gives null. Comparing with it
//     is false but for ne, which is true. null, false, 0, empty text and empty
//     lists are false. Numbers of all types compare with each other; a decimal
//     prints its scale, a double its shortest form, a timestamp RFC 3339, a date
//     2006-01-02. A list, a map or a struct does not print.
//   - len counts code points of a text; index of what is not there is null;
//     printf takes a format that stands in the template, prints null as nothing
//     and any value as its text for %s and %v. join leaves nulls out.
//   - A leading comment may hold rules, {{/* rules: {title: {max: 150}} */}}, by
//     the names of the item's elements, with or without their prefix. See rule
//     in rules.go. Rules that would not be read are mistakes: a second such
//     comment, one inside of a block, one in another form.
package template

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// A Template is a checked template. It is safe for concurrent use.
type Template struct {
	src    *source
	trees  map[string]*parse.Tree
	schema offer.Schema
	rules  []rule
	item   *uses
	layout layout
	set    *template.Template
	digest string
}

// Unknown is the kind of a column or field that may be anything.
const Unknown = offer.Kind(255)

// Parse parses and checks a template over offers of a schema; with schema nil any
// column may be there. With fields nil every name is allowed in .fields; Check looks at
// a feed's own fields later.
func Parse(file *diag.File, schema offer.Schema, fields map[string]offer.Type) (*Template, diag.List) {
	src := newSource(file)
	trees, err := parseTrees(src.text, parse.SkipFuncCheck)
	if err != nil {
		return nil, diag.List{syntaxError(src, err)}
	}
	if mistakes := missingBlocks(src, trees); len(mistakes) > 0 {
		return nil, mistakes
	}
	t := &Template{src: src, trees: trees, schema: schema}
	used, mistakes := t.check(fields)
	t.item = used
	found, more := survey(src, trees)
	mistakes = append(mistakes, more...)
	t.rules, more = leadingRules(src)
	mistakes = append(mistakes, more...)
	if len(mistakes) == 0 {
		mistakes = checkRules(src, t.rules, found)
	}
	if len(mistakes) > 0 {
		return nil, mistakes.Sorted()
	}
	t.layout = found
	if t.set, err = rewrite(trees, found); err != nil {
		return nil, diag.List{src.at(0, 1, "%v", err)}
	}
	t.digest = t.digestOf(t.item.blocks)
	return t, nil
}

func parseTrees(text string, mode parse.Mode) (map[string]*parse.Tree, error) {
	root := parse.New("")
	root.Mode = mode
	trees := map[string]*parse.Tree{}
	if _, err := root.Parse(text, "", "", trees); err != nil {
		return nil, err
	}
	if trees[""] != root {
		return nil, errors.New("a block has no name")
	}
	return trees, nil
}

var parseError = regexp.MustCompile(`(?s)^template: :(\d+): (.*)$`)

// syntaxError places an error of the parser, which names a line and perhaps
// quotes a word of it.
func syntaxError(src *source, err error) diag.Diagnostic {
	m := parseError.FindStringSubmatch(err.Error())
	if m == nil {
		return src.at(0, 1, "%s", err)
	}
	line, _ := strconv.Atoi(m[1])
	line = min(max(line, 1), len(src.starts))
	at := src.starts[line-1]
	for _, word := range []string{quoted(m[2]), actionWord.FindString(m[2])} {
		if i := strings.Index(src.file.Lines[line-1], word); i >= 0 && word != "" {
			return src.at(at+i, len(word), "%s", m[2])
		}
	}
	if strings.HasPrefix(m[2], "unexpected EOF") || strings.HasPrefix(m[2], "unexpected <define>") {
		if d, found := unended(src); found {
			return d
		}
	}
	at, length := failingAction(src.text, at, err)
	return src.at(at, length, "%s", m[2])
}

// failingAction finds the action of a line that the parser stumbled over: with it the
// template is wrong in the same way, wherever it ends.
func failingAction(text string, line int, err error) (at, length int) {
	for at = line; ; at += len("{{") {
		rest, _, _ := strings.Cut(text[at:], "\n")
		next := strings.Index(rest, "{{")
		if next < 0 {
			return line, 1
		}
		at += next
		action := rest[next:]
		if inner, _, closed := strings.Cut(action, "}}"); closed {
			action = inner + "}}"
		}
		if _, same := parseTrees(text[:at+len(action)], parse.SkipFuncCheck); same != nil && same.Error() == err.Error() {
			return at, len("{{")
		}
	}
}

var actionWord = regexp.MustCompile(`\{\{\w+\}\}`)

var quotedWord = regexp.MustCompile(`"(?:[^"\\]|\\.)+"`)

func quoted(message string) string {
	word, _ := strconv.Unquote(quotedWord.FindString(message))
	return word
}

// missingBlocks checks that there are the three blocks, and nothing but comments
// outside of blocks.
func missingBlocks(src *source, trees map[string]*parse.Tree) diag.List {
	var mistakes diag.List
	for _, n := range trees[""].Root.Nodes {
		if parse.IsEmptyTree(n) {
			continue
		}
		at := start(n)
		if text, ok := n.(*parse.TextNode); ok {
			at += len(text.Text) - len(strings.TrimLeft(string(text.Text), " \t\r\n"))
		}
		mistakes = append(mistakes, src.at(at, 1, "this stands outside of the blocks").
			WithHint(`a template is made of {{define "header"}}, {{define "item"}} and {{define "footer"}}, each with an {{end}}`))
		break
	}
	for _, block := range []string{headerBlock, itemBlock, footerBlock} {
		if trees[block] == nil {
			mistakes = append(mistakes, src.at(0, 1, "there is no block %q", block).WithHint("{{define %q}}...{{end}}", block))
		}
	}
	return mistakes
}

// Check returns the mistakes of the template when it is used with these fields.
func (t *Template) Check(fields map[string]offer.Type) diag.List {
	_, mistakes := t.check(fields)
	return mistakes.Sorted()
}

// Absent returns the names that the item reads from .fields and that are not among
// these, each with the mistake that this is where it stands first.
func (t *Template) Absent(fields map[string]offer.Type) map[string]diag.Diagnostic {
	used, _ := t.check(fields)
	return used.absent
}

// check checks the three blocks against the schema and a feed's fields; used is
// what the item reads.
func (t *Template) check(fields map[string]offer.Type) (used *uses, mistakes diag.List) {
	used, mistakes = checkBlock(t.src, t.trees, itemBlock, t.itemType(fields))
	reached := maps.Clone(used.blocks)
	for _, block := range []string{headerBlock, footerBlock} {
		frame, more := checkBlock(t.src, t.trees, block, frameType())
		mistakes = append(mistakes, more...)
		maps.Copy(reached, frame.blocks)
	}
	return used, append(mistakes, unused(t.src, t.trees, reached)...)
}

// unused finds blocks that nothing calls, which nothing has checked either.
func unused(src *source, trees map[string]*parse.Tree, reached map[string]bool) diag.List {
	var mistakes diag.List
	for name, tree := range trees {
		if name != "" && !reached[name] {
			mistakes = append(mistakes, src.at(int(tree.Root.Pos), 1, "the block %q is never used", name).
				WithHint("{{template %q .}} uses it", name))
		}
	}
	return mistakes
}

// itemType is what an item sees.
func (t *Template) itemType(fields map[string]offer.Type) offer.Type {
	columns := offer.Type{Kind: Unknown}
	if t.schema != nil {
		columns = t.schema.Struct()
	}
	return offer.StructOf(
		offer.Field{Name: "offer", Type: columns},
		offer.Field{Name: "fields", Type: fieldsType(fields)},
		offer.Field{Name: "params", Type: paramsType()})
}

// frameType is what a header and a footer see.
func frameType() offer.Type {
	feed := offer.StructOf(
		offer.Field{Name: "name", Type: offer.Type{Kind: offer.String}},
		offer.Field{Name: "items", Type: offer.Type{Kind: offer.Int}},
		offer.Field{Name: "updated", Type: offer.Type{Kind: offer.Timestamp}})
	return offer.StructOf(offer.Field{Name: "feed", Type: feed}, offer.Field{Name: "params", Type: paramsType()})
}

func paramsType() offer.Type { return offer.MapOf(offer.Type{Kind: offer.String}) }

// fieldsType is the struct of the fields, or a mere string where they are not
// known.
func fieldsType(fields map[string]offer.Type) offer.Type {
	if fields == nil {
		return offer.Type{}
	}
	t := offer.StructOf()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		t.Fields = append(t.Fields, offer.Field{Name: name, Type: fields[name]})
	}
	return t
}

// digestOf digests blocks and the rules.
func (t *Template) digestOf(blocks map[string]bool) string {
	var b strings.Builder
	for _, r := range t.rules {
		fmt.Fprintf(&b, "%q %t %d\n", r.element, r.required, r.max)
	}
	for _, name := range sorted(blocks) {
		fmt.Fprintf(&b, "%q %q\n", name, t.trees[name].Root.String())
	}
	return fmt.Sprintf("%x", xxh3.HashString128(b.String()).Bytes())
}

// Columns returns the columns of the offer that the item reads, sorted.
func (t *Template) Columns() []string { return sorted(t.item.columns) }

// Fields returns the names that the item reads from .fields, sorted.
func (t *Template) Fields() []string { return sorted(t.item.fields) }

// Params returns the names that the item reads from .params, sorted; all is true
// when it may read any of them. They are what splits renderings.
func (t *Template) Params() (names []string, all bool) {
	return sorted(t.item.params), t.item.allParams
}

// DocumentDigest returns a digest of the whole template, without comments but for
// the rules.
func (t *Template) DocumentDigest() string {
	blocks := map[string]bool{}
	for name := range t.trees {
		if name != "" {
			blocks[name] = true
		}
	}
	return t.digestOf(blocks)
}

// Digest returns a digest of all that makes an item: the item block, the blocks
// it uses and the rules, but not header and footer.
func (t *Template) Digest() string { return t.digest }
