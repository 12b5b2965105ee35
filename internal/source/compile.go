package source

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// The variables of a source's expressions.
const (
	rowVariable  = "row"
	itemVariable = "item"
	pathVariable = "path"
)

// Compile checks a definition and compiles its expressions. The list holds all
// mistakes found; when it is not empty the source is nil.
func Compile(def *Definition) (*Source, diag.List) {
	c := &compiler{def: def, source: &Source{Def: def, row: newTree(rowVariable), item: newTree(itemVariable)}}
	c.paths()
	c.shape()
	c.expressions()
	c.columns()
	c.optional()
	if len(c.mistakes) > 0 {
		return nil, c.mistakes.Sorted()
	}
	c.source.row.number()
	c.source.item.number()
	c.source.schema = batchSchema(def)
	return c.source, nil
}

// Expressions returns the mistakes in the expressions of a definition of which something
// else could not be read: what they may speak of is not known for certain.
func Expressions(def *Definition) diag.List {
	c := &compiler{def: def, source: &Source{Def: def, row: newTree(rowVariable), item: newTree(itemVariable)}, unsure: true}
	c.env = predicate.RowEnv(predicate.RowShape{Item: true, Path: true})
	c.expressions()
	for i := range def.Columns {
		if col := &def.Columns[i]; col.Value.Value != "" {
			c.value(col.Name.Value, col.Value)
		}
	}
	return c.mistakes.Sorted()
}

type compiler struct {
	def      *Definition
	source   *Source
	env      *predicate.Env
	names    []string // of the path patterns
	unsure   bool     // what expressions may speak of is not known
	mistakes diag.List
}

func (c *compiler) fail(text diag.Text, hint, format string, args ...any) {
	if text.File == nil && text.Value == "" {
		text = c.def.Place
	}
	d := text.At(0, max(1, len([]rune(text.Value))), format, args...)
	c.mistakes = append(c.mistakes, d.WithHint("%s", hint))
}

func (c *compiler) paths() {
	if len(c.def.Paths) == 0 {
		c.fail(c.def.Place, "", "source %s has no path", c.def.Name)
	}
	patterns, mistakes := parsePatterns(c.def.Paths)
	c.mistakes = append(c.mistakes, mistakes...)
	for _, p := range patterns {
		c.names = append(c.names, p.names...)
	}
	c.env = predicate.RowEnv(predicate.RowShape{Item: c.def.Explode.Value != "", Path: len(c.names) > 0})
}

// shape checks what does not depend on expressions.
func (c *compiler) shape() {
	def := c.def
	if formats := []string{JSON, JSONL, CSV, Parquet}; !slices.Contains(formats, def.Format) {
		c.fail(def.Place, diag.DidYouMean(def.Format, formats), "source %s has an unknown format %q", def.Name, def.Format)
	}
	if keeps := []string{Newest, Log}; !slices.Contains(keeps, def.keep()) {
		c.fail(def.Place, diag.DidYouMean(def.Keep, keeps), "source %s has an unknown keep %q", def.Name, def.Keep)
	}
	if def.Rows.Value != "" && def.Format != JSON {
		c.fail(def.Rows, "", "rows is for the format json")
	}
	if def.Format == CSV {
		c.csv()
	}
	c.keep()
}

func (c *compiler) keep() {
	def := c.def
	if def.IsLog() {
		if def.Key.Value == "" {
			c.fail(def.Place, "changes need to say of what", "source %s keeps a log but has no key", def.Name)
		}
		if def.Late > 0 && def.Order.Value == "" {
			c.fail(def.Place, "late compares the orders of changes", "source %s has late but no order", def.Name)
		}
		return
	}
	for _, only := range []diag.Text{def.Order, def.Deleted} {
		if only.Value != "" {
			c.fail(only, "add keep: log", "order and deleted are for a source with keep: log")
		}
	}
	if def.Late > 0 {
		c.fail(def.Place, "add keep: log", "source %s has late, which is for keep: log", def.Name)
	}
}

func (c *compiler) csv() {
	o := c.def.CSV.withDefaults()
	if _, err := decoderOf(o.Encoding); err != nil {
		c.fail(c.def.Place, "names are those of the WHATWG encoding standard: utf-8, windows-1252, shift_jis", "source %s: %v", c.def.Name, err)
	}
	for _, r := range []rune{o.Separator, o.Quote} {
		if r <= 0 || r >= 0x80 || r == '\n' || r == '\r' {
			c.fail(c.def.Place, "", "source %s: a separator or quote is one ASCII character, not a line break", c.def.Name)
			return
		}
	}
	if o.Separator == o.Quote && !o.NoQuote {
		c.fail(c.def.Place, "", "source %s: separator and quote are the same", c.def.Name)
	}
	for i, name := range o.Names {
		if slices.Contains(o.Names[:i], name) {
			c.fail(c.def.Place, "", "source %s: header names %s twice", c.def.Name, name)
		}
	}
}

// expressions compiles all but those of columns.
func (c *compiler) expressions() {
	s, def := c.source, c.def
	if def.Explode.Value != "" {
		outer := c.env
		c.env = predicate.RowEnv(predicate.RowShape{Path: c.unsure || len(c.names) > 0})
		s.explode = c.value("explode", def.Explode)
		c.env = outer
	}
	s.where = c.predicate("where", def.Where)
	s.deleted = c.predicate("deleted", def.Deleted)
	s.key = c.head("key", def.Key)
	s.order = c.head("order", def.Order)
}

func (c *compiler) predicate(place string, text diag.Text) *value {
	if text.Value == "" {
		return nil
	}
	expr, mistakes := c.env.Predicate(text)
	return c.compiled(place, text, expr, mistakes, false)
}

// head compiles the value of a hidden column.
func (c *compiler) head(place string, text diag.Text) *value {
	if text.Value == "" {
		return nil
	}
	v := c.value(place, text)
	v.field.markByRow()
	return v
}

func (c *compiler) value(place string, text diag.Text) *value {
	expr, mistakes := c.env.Value(text)
	return c.compiled(place, text, expr, mistakes, true)
}

// compiled notes what an expression reads. One that only selects a field is
// read directly.
func (c *compiler) compiled(place string, text diag.Text, expr *predicate.Expr, mistakes diag.List, direct bool) *value {
	v := &value{place: place, expr: expr}
	c.mistakes = append(c.mistakes, mistakes...)
	if len(mistakes) > 0 {
		return v
	}
	chain, only := expr.Path()
	if t := c.treeOf(chain); only && direct && t != nil {
		v.expr, v.field, v.inItem = nil, t.add(chain[1:]), t == c.source.item
		c.source.needs = append(c.source.needs, need{field: v.field})
		return v
	}
	for _, chain := range expr.Paths() {
		c.reads(text, chain)
	}
	return v
}

func (c *compiler) treeOf(chain []string) *tree {
	switch {
	case len(chain) > 0 && chain[0] == rowVariable:
		return c.source.row
	case len(chain) > 0 && chain[0] == itemVariable:
		return c.source.item
	default:
		return nil
	}
}

func (c *compiler) reads(text diag.Text, chain []string) {
	if t := c.treeOf(chain); t != nil {
		n := t.add(chain[1:])
		n.markCEL()
		c.source.needs = append(c.source.needs, need{field: n})
		return
	}
	if len(chain) > 1 && chain[0] == pathVariable && !c.unsure && !slices.Contains(c.names, chain[1]) {
		c.fail(text, diag.DidYouMean(chain[1], c.names), "the path has no {%s}", chain[1])
	}
}

func (c *compiler) columns() {
	names := map[string]bool{KeyColumn: true, RowColumn: true, OrderColumn: true, DeletedColumn: true}
	for i := range c.def.Columns {
		col := &c.def.Columns[i]
		if name := col.Name.Value; names[name] {
			c.fail(col.Name, "", "column %s stands twice or is a reserved name", name)
		}
		names[col.Name.Value] = true
		c.source.columns = append(c.source.columns, column{
			value:    c.columnValue(col),
			field:    offer.Field{Name: col.Name.Value, Type: col.Type},
			appender: offer.NewAppender(col.Type, col.conversion(c.def)),
			zone:     col.zone(),
			required: col.Required,
			in:       c.in(col),
		})
	}
}

func (col *Column) conversion(def *Definition) offer.Conversion {
	return offer.Conversion{Layout: col.Format, Zone: col.zone(), Comma: def.Format == CSV && def.CSV.Comma}
}

func (c *compiler) columnValue(col *Column) *value {
	name := col.Name.Value
	if col.Value.Value != "" {
		return c.value(name, col.Value)
	}
	v := &value{place: name, field: c.source.row.add([]string{name})}
	if c.source.explode != nil {
		v.instead, v.field, v.inItem = v.field, c.source.item.add([]string{name}), true
	}
	c.source.needs = append(c.source.needs, need{field: v.field, instead: v.instead})
	return v
}

func (c *compiler) in(col *Column) members {
	if len(col.In) == 0 {
		return nil
	}
	set := newMembers(col.Type)
	if set == nil {
		c.fail(col.In[0], "", "`in` is for columns of type string, int, double, bool and date, not %s", col.Type)
		return nil
	}
	appender := offer.NewAppender(col.Type, col.conversion(c.def))
	for _, text := range col.In {
		if err := set.add(appender, text.Value); err != nil {
			c.fail(text, "", "not a value of a column of type %s: %v", col.Type, err)
		}
	}
	return set
}

// optional marks the fields that may be absent from a delivery.
func (c *compiler) optional() {
	for _, text := range c.def.OptionalFields {
		expr, mistakes := c.env.Value(text)
		c.mistakes = append(c.mistakes, mistakes...)
		if len(mistakes) > 0 {
			continue
		}
		chain, only := expr.Path()
		if t := c.treeOf(chain); !only || t == nil || len(chain) < 2 {
			c.fail(text, "such as row.new_field", "optional names fields of row and item")
			continue
		}
		c.allow(chain)
	}
}

// allow marks what is at or below a chain of names.
func (c *compiler) allow(chain []string) {
	for i, n := range c.source.needs {
		if n.field.isBelow(chain) || n.instead.isBelow(chain) {
			c.source.needs[i].optional = true
		}
	}
}

// batchSchema returns the hidden and the declared columns.
func batchSchema(def *Definition) *arrow.Schema {
	fields := []arrow.Field{
		{Name: KeyColumn, Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: RowColumn, Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	}
	if def.IsLog() {
		fields = append(fields,
			arrow.Field{Name: OrderColumn, Type: arrow.BinaryTypes.Binary, Nullable: true},
			arrow.Field{Name: DeletedColumn, Type: arrow.FixedWidthTypes.Boolean, Nullable: true})
	}
	return arrow.NewSchema(append(fields, def.Schema().Arrow().Fields()...), nil)
}
