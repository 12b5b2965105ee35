package preview

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/field"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/template"
)

// A contrast is how offers look before and now. Feeds whose renderings are the same
// on both sides share it.
type contrast struct {
	was, is *view
	item    []string // what was edited that all items depend on: template item, template rules, param NAME
	fields  []string // the names of those that the items read and that mean something else now
	values  [2]*field.Program
	places  [2]map[string]int // of the fields in the programs; a side may lack some
}

// A view is how a definition makes an offer look; of an event feed it is its fields.
type view struct {
	template *template.Template // nil: of an event feed
	params   map[string]string  // that the item reads
	fields   []feed.Field       // that the item reads, by name
	program  *field.Program     // of these
	meanings map[string]string  // of the fields
}

func newView(s *side) *view {
	v := &view{template: s.template, params: map[string]string{}, meanings: map[string]string{}}
	reads := func(string) bool { return true }
	if s.template != nil {
		names, all := s.template.Params()
		for name, value := range s.rest.Params {
			if all || slices.Contains(names, name) {
				v.params[name] = value
			}
		}
		read := s.template.Fields()
		reads = func(name string) bool { return slices.Contains(read, name) }
	}
	for _, f := range s.rest.Fields {
		if reads(f.Name) {
			v.fields = append(v.fields, f)
			v.meanings[f.Name] = meaning(f.Value, s.shared)
		}
	}
	v.program = field.Compile(v.fields)
	return v
}

// key is equal for views that show the same.
func (v *view) key() string {
	digest := ""
	if v.template != nil {
		digest = v.template.Digest()
	}
	return fmt.Sprintf("%s %q %q", digest, v.params, v.meanings)
}

// contrast finds or adds the contrast of a pair of which both sides are known.
func (c *comparison) contrast(p *pair) {
	was, is := newView(p.was), newView(p.is)
	key := was.key() + " " + is.key()
	if c.contrasts[key] == nil {
		c.contrasts[key] = newContrast(was, is)
	}
	p.contrast = c.contrasts[key]
}

func newContrast(was, is *view) *contrast {
	c := &contrast{was: was, is: is}
	if was.template != nil && is.template != nil {
		for _, block := range is.template.Differences(was.template) {
			if block == "item" || block == "rules" {
				c.item = append(c.item, "template "+block)
			}
		}
		c.item = append(c.item, differing("param ", was.params, is.params)...)
	}
	c.fields = differing("", was.meanings, is.meanings)
	for i, v := range []*view{was, is} {
		var some []feed.Field
		c.places[i] = map[string]int{}
		for _, f := range v.fields {
			if slices.Contains(c.fields, f.Name) {
				c.places[i][f.Name] = len(some)
				some = append(some, f)
			}
		}
		c.values[i] = field.Compile(some)
	}
	return c
}

// exprs and columns are what both views read.
func (c *contrast) exprs() []*predicate.Expr {
	var out []*predicate.Expr
	for _, v := range []*view{c.was, c.is} {
		for _, f := range v.fields {
			out = append(out, f.Value)
		}
	}
	return out
}

func (c *contrast) columns() []string {
	if c.was.template == nil {
		return nil
	}
	return append(c.was.template.Columns(), c.is.template.Columns()...)
}

// seen is what a contrast shows of a batch.
type seen struct {
	changed bitmap.Bitmap            // rows that look otherwise
	shown   bitmap.Bitmap            // rows that stay somewhere and were rendered on both sides for that
	fields  map[string]bitmap.Bitmap // rows whose value of a field differs
	left    [2]map[int]string        // by row: the rule by which it is left out, of those that were rendered
	leftOut [2]bitmap.Bitmap         // these rows
}

// A show is a contrast at work on a partition.
type show struct {
	*contrast
	sides [2]*rendition
	at    time.Time
}

// A rendition is a view whose items are being rendered.
type rendition struct {
	*view
	renderer *template.Renderer // nil: of an event feed
	items    template.Items     // of the rows rendered last
	rows     []int              // these
}

func (c *contrast) show(at time.Time) *show {
	s := &show{contrast: c, at: at}
	for i, v := range []*view{c.was, c.is} {
		s.sides[i] = v.rendition()
	}
	return s
}

func (v *view) rendition() *rendition {
	s := &rendition{view: v}
	if v.template != nil {
		s.renderer = v.template.Renderer(v.params)
	}
	return s
}

// look compares rows of a batch: those that stay are in both sides, those that are
// lost in the first alone, those that are gained in the second.
func (s *show) look(batch arrow.RecordBatch, stay, lost, gained bitmap.Bitmap) (*seen, error) {
	n := int(batch.NumRows())
	out := &seen{changed: bitmap.New(n), fields: map[string]bitmap.Bitmap{}}
	for i := range out.left {
		out.left[i], out.leftOut[i] = map[int]string{}, bitmap.New(n)
	}
	if err := s.compareFields(batch, stay, out); err != nil {
		return nil, err
	}
	differ := bitmap.New(n) // rows that may look otherwise
	for _, rows := range out.fields {
		differ.Or(rows)
	}
	if s.sides[0].renderer == nil {
		out.changed, out.shown = differ, differ
		return out, nil
	}
	if len(s.item) > 0 {
		differ = stay
	}
	out.shown = differ
	return out, s.render(batch, out, differ, [2][]int{rowsOf(differ, lost), rowsOf(differ, gained)})
}

func rowsOf(sets ...bitmap.Bitmap) []int { return bitmap.Union(sets, sets[0].Len()) }

// compareFields compares the values of the fields that mean something else now. One
// that fails is null; so is for a template one that a side does not have, whereas
// events name a field that is null.
func (s *show) compareFields(batch arrow.RecordBatch, stay bitmap.Bitmap, out *seen) error {
	if len(s.contrast.fields) == 0 || stay.Empty() {
		return nil
	}
	rows := slices.Collect(stay.All())
	var values [2]arrow.RecordBatch
	for i, program := range s.values {
		var err error
		if values[i], err = program.Columns(memory.DefaultAllocator, batch, rows, s.at, func(string, int, error) {}); err != nil {
			return err
		}
		defer values[i].Release()
	}
	for _, name := range s.contrast.fields {
		var columns [2]arrow.Array
		for i := range columns {
			if at, found := s.places[i][name]; found {
				columns[i] = values[i].Column(at)
			}
		}
		lacking := columns[0] == nil || columns[1] == nil
		if lacking && s.is.template == nil {
			out.fields[name] = stay
			continue
		}
		differ := bitmap.New(stay.Len())
		for _, row := range rows {
			if !sameValue(columns[0], columns[1], row) {
				differ.Set(row)
			}
		}
		out.fields[name] = differ
	}
	return nil
}

// sameValue reports whether two columns, of which either may be missing, have the
// same value in a row.
func sameValue(a, b arrow.Array, row int) bool {
	noA, noB := a == nil || a.IsNull(row), b == nil || b.IsNull(row)
	if noA || noB {
		return noA && noB
	}
	switch a := a.(type) {
	case *array.String:
		if b, same := b.(*array.String); same {
			return a.Value(row) == b.Value(row)
		}
	case *array.Int64:
		if b, same := b.(*array.Int64); same {
			return a.Value(row) == b.Value(row)
		}
	case *array.Float64:
		if b, same := b.(*array.Float64); same && a.Value(row) == b.Value(row) {
			return true
		}
	}
	return a.ValueStr(row) == b.ValueStr(row)
}

// rowsAtOnce bounds the items in memory.
const rowsAtOnce = 1 << 10

// render renders rows of each side, and compares those that may differ.
func (s *show) render(batch arrow.RecordBatch, out *seen, differ bitmap.Bitmap, rows [2][]int) error {
	var fields [2]arrow.RecordBatch
	for i, side := range s.sides {
		var err error
		if fields[i], err = side.program.Columns(memory.DefaultAllocator, batch, rows[i], s.at, func(string, int, error) {}); err != nil {
			return err
		}
		defer fields[i].Release()
	}
	for end := rowsAtOnce; len(rows[0])+len(rows[1]) > 0; end += rowsAtOnce {
		for i, side := range s.sides {
			n, _ := slices.BinarySearch(rows[i], end)
			if err := side.render(batch, fields[i], rows[i][:n]); err != nil {
				return err
			}
			rows[i] = rows[i][n:]
			for _, l := range side.items.Left {
				out.left[i][l.Row] = l.Rule
				out.leftOut[i].Set(l.Row)
			}
		}
		s.compare(out, differ)
	}
	return nil
}

func (s *rendition) render(batch, fields arrow.RecordBatch, rows []int) error {
	s.items = template.Items{Data: s.items.Data[:0], Ends: s.items.Ends[:0]}
	s.rows = rows
	return s.renderer.Items(&s.items, batch, fields, rows)
}

// item returns the i-th item that was rendered last.
func (s *rendition) item(i int) []byte {
	from := 0
	if i > 0 {
		from = s.items.Ends[i-1]
	}
	return s.items.Data[from:s.items.Ends[i]]
}

// compare compares the items that both sides rendered last.
func (s *show) compare(out *seen, differ bitmap.Bitmap) {
	was, is := s.sides[0], s.sides[1]
	k := 0
	for i, row := range was.rows {
		for k < len(is.rows) && is.rows[k] < row {
			k++
		}
		if k == len(is.rows) || is.rows[k] != row || !differ.Has(row) {
			continue
		}
		if before, now := was.item(i), is.item(k); len(before) > 0 && len(now) > 0 && !bytes.Equal(before, now) {
			out.changed.Set(row)
		}
	}
}

// blocks returns which of header and footer look otherwise.
func (p *pair) blocks() ([]string, error) {
	if p.contrast == nil || p.is.template == nil {
		return nil, nil
	}
	about := template.Feed{Name: p.Feed, Items: p.Now}
	var out []string
	for _, b := range []struct {
		name   string
		render func(*template.Template, template.Feed, map[string]string) ([]byte, error)
	}{{"header", (*template.Template).Header}, {"footer", (*template.Template).Footer}} {
		was, err := b.render(p.was.template, about, p.was.rest.Params)
		if err != nil {
			return nil, err
		}
		is, err := b.render(p.is.template, about, p.is.rest.Params)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(was, is) {
			out = append(out, b.name)
		}
	}
	return out, nil
}

// ruleLabel is a rule as effects name it.
func ruleLabel(rule string) string {
	if strings.HasPrefix(rule, "required") {
		return "rule " + rule
	}
	return "an " + rule + " item"
}
