package workspace

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A folder is the files of the feeds as they were read.
type folder struct {
	docs   []value // feeds, event feeds
	shared predicate.Shared
	places map[string]diag.Text // of the names of shared expressions
	tests  []value

	feedsLost  bool // there may be more feeds, in a part of a file that YAML cannot read
	sharedLost bool // there may be more shared expressions
}

var sharedKey = regexp.MustCompile(`(?m)^shared\s*:`)

// readFolder reads all feed files below a directory.
func (l *loader) readFolder(dir string) folder {
	f := folder{shared: predicate.Shared{}, places: map[string]diag.Text{}}
	for _, name := range l.files(dir, ".yaml", ".yml") {
		docs, unread := l.readPage(name)
		for _, doc := range docs {
			f.sort(doc)
		}
		f.feedsLost = f.feedsLost || unread != "" && !isTestFile(name)
		f.sharedLost = f.sharedLost || sharedKey.MatchString(unread)
	}
	return f
}

// files returns the files below a directory that end in one of the suffixes, by
// name. What begins with a dot or an underscore is left out.
func (l *loader) files(dir string, suffixes ...string) []string {
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != dir && strings.ContainsAny(d.Name()[:1], "._") {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		switch suffix := filepath.Ext(path); {
		case d.IsDir():
		case slices.Contains(suffixes, suffix):
			out = append(out, path)
		case slices.Contains(suffixes, strings.ToLower(suffix)):
			mistake := diag.Diagnostic{File: path, Message: "the file is not read, because its name ends in " + suffix}
			l.report(mistake.WithHint("let it end in %s", strings.ToLower(suffix)))
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		l.report(diag.Diagnostic{File: dir, Message: "cannot be read: " + reasonOf(err)})
	}
	slices.Sort(out)
	return out
}

// readPage reads the documents of a YAML file; unread is the text of one of which
// parts could not be.
func (l *loader) readPage(name string) (docs []value, unread string) {
	data, err := os.ReadFile(name)
	if err != nil {
		l.report(diag.Diagnostic{File: name, Message: "cannot be read: " + reasonOf(err)})
		return nil, "shared:" // there may be anything in it
	}
	page, mistakes := newPage(name, data)
	l.list = append(l.list, mistakes...)
	nodes, more := page.documents()
	l.list = append(l.list, more...)
	for _, n := range nodes {
		docs = append(docs, l.root(page, n, scope{env: l.env}))
	}
	if len(mistakes)+len(more) > 0 {
		unread = string(data)
	}
	return docs, unread
}

// sort puts a document where it belongs.
func (f *folder) sort(doc value) {
	if isTestFile(doc.page.Name) {
		f.tests = append(f.tests, doc)
		return
	}
	if !doc.isMap() {
		doc.fail("a document of a feed file must be a map (key: value), and this is %s", doc.kind())
		return
	}
	isFeed := doc.lookUp("feed") != nil || doc.lookUp("events") != nil
	switch shared := doc.lookUp("shared"); {
	case shared == nil:
		f.docs = append(f.docs, doc)
	case isFeed:
		f.docs = append(f.docs, f.apart(doc))
	default:
		doc.object(fields{"shared": f.define})
	}
}

// apart takes shared expressions out of the document of a feed, and reports them.
func (f *folder) apart(doc value) value {
	rest := *doc.node
	rest.Content = nil
	for pair := range slices.Chunk(doc.node.Content, 2) {
		if pair[0].Value != "shared" {
			rest.Content = append(rest.Content, pair...)
			continue
		}
		if e, ok := doc.entry(pair[0], pair[1]); ok {
			doc.report(e.name.At(0, runes(e.name.Value), "shared expressions stand in a document of their own").WithHint("put --- between them and the feed, or write them into a file of their own"))
			f.define(e.value)
		}
	}
	doc.node = &rest
	return doc
}

func isTestFile(name string) bool {
	return strings.HasSuffix(strings.TrimSuffix(name, filepath.Ext(name)), ".test")
}

// lookUp returns the node of a key, or nil.
func (v value) lookUp(key string) *yaml.Node {
	for i := 0; v.isMap() && i+1 < len(v.node.Content); i += 2 {
		if v.node.Content[i].Value == key {
			return v.node.Content[i+1]
		}
	}
	return nil
}

// define reads named expressions.
func (f *folder) define(v value) {
	f.sharedLost = f.sharedLost || !v.isMap()
	for _, e := range v.entries() {
		name := e.name.Value
		first, twice := f.places[name]
		switch {
		case !e.identifier("shared expression", columnName, "letters, digits and _, beginning with a letter"):
		case twice:
			line, _ := first.Place(0)
			v.report(e.name.At(0, runes(name), "shared expression %s stands twice", name).WithHint("the other one is in %s:%d", first.File.Name, line))
		default:
			f.places[name] = e.name
			f.shared[name] = e.value.expression()
		}
	}
}

// A catalogue makes feeds out of documents.
type catalogue struct {
	*book
	ws        *Workspace
	env       *predicate.Env
	doubtful  func(diag.Text) bool
	templates map[string]bool
	names     map[string]diag.Text    // of feeds and event feeds
	targets   map[[2]string]diag.Text // (destination, catalog)
	vague     map[*feed.Feed]bool     // those whose fields could not all be read
	feedsLost bool                    // there may be more feeds than these
}

// document reads one document, once for each combination of its `for`.
func (c *catalogue) document(doc value) {
	axes := doc.axes()
	if axes == nil {
		doc.scope.values = map[string]string{}
		c.single(doc)
		return
	}
	combinations := feed.Combinations(axes)
	lists := make([]diag.List, len(combinations))
	for i, values := range combinations {
		one := *c
		one.book = &book{}
		d := doc
		d.book = one.book
		d.scope.values = values
		one.single(d)
		lists[i] = one.list
	}
	c.list = append(c.list, merge(combinations, lists)...)
}

// mostOfPlace is how many combinations of a `for` are named at one place.
const mostOfPlace = 5

// merge joins the mistakes of the combinations of a `for` document: those of all
// of them once, others each with the first combination that has it.
func merge(combinations []map[string]string, lists []diag.List) diag.List {
	count := map[diag.Diagnostic]int{}
	for _, list := range lists {
		for _, d := range list.Sorted() {
			count[d]++
		}
	}
	type place struct {
		file      string
		line, col int
	}
	seen, of, more := map[diag.Diagnostic]bool{}, map[place]int{}, map[place]int{}
	var out diag.List
	for i, list := range lists {
		for _, d := range list.Sorted() {
			if seen[d] {
				continue
			}
			seen[d] = true
			at := place{d.File, d.Line, d.Col}
			switch of[at]++; {
			case of[at] > mostOfPlace:
				more[at]++
				continue
			case count[d] < len(lists):
				d.Message += " (for " + describe(combinations[i]) + ")"
			}
			out = append(out, d)
		}
	}
	for i := len(out) - 1; i >= 0; i-- {
		at := place{out[i].File, out[i].Line, out[i].Col}
		if more[at] > 0 {
			out[i].Message += fmt.Sprintf(", and %d more like it", more[at])
			more[at] = 0
		}
	}
	return out
}

func describe(values map[string]string) string {
	parts := make([]string, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, name+" "+values[name])
	}
	return strings.Join(parts, ", ")
}

// maxCombinations bounds what one document may make.
const maxCombinations = 10_000

// axes reads `for`; nil when the document has none.
func (v value) axes() []feed.Axis {
	n := v.lookUp("for")
	if n == nil {
		return nil
	}
	f := v.child(diag.Plain("for"), n)
	var out []feed.Axis
	total := 1
	for _, e := range f.entries() {
		if !e.identifier("value of `for`", columnName, "letters, digits and _, beginning with a letter") {
			continue
		}
		a := feed.Axis{Name: e.name.Value}
		for _, t := range e.value.names() {
			a.Values = append(a.Values, t.Value)
		}
		if len(a.Values) == 0 {
			v.report(e.name.At(0, runes(a.Name), "%s has no values", a.Name))
			continue
		}
		if total *= len(a.Values); total > maxCombinations {
			f.fail("this makes more than %d feeds", maxCombinations)
			return []feed.Axis{}
		}
		out = append(out, a)
	}
	if len(out) == 0 {
		return []feed.Axis{}
	}
	return out
}

// single reads one feed or event feed.
func (c *catalogue) single(doc value) {
	isFeed, isEvents := doc.lookUp("feed") != nil, doc.lookUp("events") != nil
	switch {
	case isFeed && isEvents:
		doc.fail("a document is either a feed (feed: name) or an event feed (events: name)")
	case isFeed:
		c.feed(doc)
	case isEvents:
		c.events(doc)
	default:
		c.neither(doc)
	}
}

// neither reports a document without a name.
func (c *catalogue) neither(doc value) {
	kinds := []string{"feed", "events", "shared"}
	for _, e := range doc.entries() {
		if hint := diag.DidYouMean(e.name.Value, kinds); hint != "" {
			doc.report(e.name.At(0, runes(e.name.Value), "unknown key %s", e.name.Value).WithHint("%s", hint))
			return
		}
	}
	doc.report(doc.at("this document is no feed").WithHint("a feed begins with feed: name, an event feed with events: name, shared expressions with shared:"))
}

// longestName is how many characters the name of a feed may have.
const longestName = 100

// named reads the name of a feed or event feed.
func (c *catalogue) named(v value) diag.Text {
	t, ok := v.text()
	if !ok || !v.form(t, feedName, "small letters, digits and -") {
		return diag.Text{}
	}
	if len(t.Value) > longestName {
		v.report(v.at("this name has %d characters, and %d are the most", len(t.Value), longestName).WithHint("files have the feed's name, and file systems bound it"))
		return diag.Text{}
	}
	if first, twice := c.names[t.Value]; twice {
		c.twice(v, t, first)
		return t
	}
	c.names[t.Value] = t
	return t
}

func (c *catalogue) twice(v value, name, first diag.Text) {
	line, col := first.Place(0)
	d := v.at("the name %s stands twice", name.Value)
	if l, c := name.Place(0); first.File == name.File && l == line && c == col {
		v.report(d.WithHint("each feed of a `for` needs a name of its own: write {{...}} into it"))
		return
	}
	v.report(d.WithHint("the other one is in %s:%d", first.File.Name, line))
}

// expr compiles an expression of a feed; the zero text has been reported.
func (c *catalogue) expr(t diag.Text, compile func(diag.Text) (*predicate.Expr, diag.List)) *predicate.Expr {
	if t.Value == "" {
		return nil
	}
	x, mistakes := compile(t)
	if !c.doubtful(t) {
		c.list = append(c.list, mistakes...)
	}
	if len(mistakes) > 0 {
		return nil
	}
	return x
}

func (c *catalogue) predicate(v value) (*predicate.Expr, diag.Text) {
	t := v.expression()
	return c.expr(t, c.env.Predicate), t
}

// fields reads named expressions, by name. One with a mistake has no value; whole is
// false when these are not all.
func (c *catalogue) fields(v value) (out []feed.Field, whole bool) {
	entries := v.entries()
	whole = v.isMap() && len(entries) == len(v.node.Content)/2
	for _, e := range entries {
		if !e.identifier("field", columnName, "letters, digits and _, beginning with a letter") {
			whole = false
			continue
		}
		out = append(out, feed.Field{Name: e.name.Value, Place: e.name, Value: c.field(e.value)})
	}
	slices.SortFunc(out, func(a, b feed.Field) int { return strings.Compare(a.Name, b.Name) })
	return out, whole
}

// field reads the expression of a field, whose values are stored.
func (c *catalogue) field(v value) *predicate.Expr {
	t := v.expression()
	x := c.expr(t, c.env.Value)
	if x != nil && !x.Storable() {
		d := t.At(0, runes(t.Value), "a field cannot be a %s", x.TypeName())
		switch {
		case strings.Contains(x.TypeName(), "dyn"):
			d = d.WithHint("give all elements one type")
		case strings.HasSuffix(x.TypeName(), "duration"):
			d = d.WithHint("write the number that it is of something, such as (now - offer.created).getHours()")
		}
		c.report(d)
		return nil
	}
	return x
}

// group reads the expression that a choice groups offers by.
func (c *catalogue) group(v value) *predicate.Expr {
	t := v.expression()
	x := c.expr(t, c.env.Value)
	if x != nil && !x.Sortable() {
		c.report(t.At(0, runes(t.Value), "offers cannot be grouped by a %s", typeName(x)))
		return nil
	}
	return x
}

func (c *catalogue) choose(v value) *feed.Choose {
	out := &feed.Choose{Take: 1}
	has := v.object(fields{
		"per":  func(v value) { out.Per = c.group(v) },
		"by":   func(v value) { out.By = c.orders(v) },
		"take": func(v value) { out.Take = int(v.number(1)) },
	})
	v.require(has, "by")
	return out
}

func (c *catalogue) orders(v value) []feed.Order {
	var out []feed.Order
	for _, o := range v.orders() {
		if x := c.expr(o.text, c.env.Value); x != nil && c.sortable(o.text, x) {
			out = append(out, feed.Order{Value: x, Desc: o.desc})
		}
	}
	return out
}
