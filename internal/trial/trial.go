// Package trial runs the tests that users write for their feeds: a few offers,
// which of them the feed takes, and how they are rendered.
//
// Its promise: a test that passes went through the same predicates, choice,
// fields, template and rules as a run; one that fails says for each offer where
// it stands and why it was taken or left.
package trial

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/field"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/template"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A trial is one test on its way.
type trial struct {
	ws       *workspace.Workspace
	test     *feed.Test
	now      time.Time
	offers   arrow.RecordBatch
	columns  *predicate.Batch  // of offers
	why      map[string]string // by id: why an offer is left out
	mistakes diag.List
}

// A subject is what a test is about: a feed, or an event feed without a template.
type subject struct {
	where    *predicate.Expr
	choose   *feed.Choose
	fields   []feed.Field
	template *template.Template
	params   map[string]string
}

// Run runs a test and returns how it failed, or nothing when it passed. Tests
// that give no `now` see the one of the caller.
func Run(ws *workspace.Workspace, test *feed.Test, now time.Time) diag.List {
	t := &trial{ws: ws, test: test, now: now, why: map[string]string{}}
	if !test.Now.IsZero() {
		t.now = test.Now
	}
	s, found := find(ws, test.Feed)
	if !found {
		return diag.List{test.Place.At(0, len(test.Feed), "there is no feed %s", test.Feed)}
	}
	if t.build(); len(t.mistakes) > 0 {
		return t.mistakes.Sorted()
	}
	defer t.offers.Release()
	t.compare(s)
	return t.mistakes.Sorted()
}

func find(ws *workspace.Workspace, name string) (subject, bool) {
	for _, f := range ws.Feeds {
		if f.Name == name {
			return subject{f.Where, f.Choose, f.Fields, ws.Templates[f.Template], f.Params}, true
		}
	}
	for _, e := range ws.Events {
		if e.Name == name {
			return subject{where: e.Where, choose: e.Choose, fields: e.Fields}, true
		}
	}
	return subject{}, false
}

// build makes the batch of the test's offers.
func (t *trial) build() {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, t.ws.Schema.Arrow())
	defer builder.Release()
	for i, column := range t.ws.Schema {
		appender := offer.NewAppender(column.Type, offer.Conversion{})
		for _, o := range t.test.Offers {
			value := o.Values[column.Name]
			if column.Name == offer.Key {
				value = feed.TestValue{Place: o.Place, Value: o.ID}
			}
			if err := appender.Append(builder.Field(i), value.Value); err != nil {
				t.fail(value.Place, "", "column %s of offer %s: %v", column.Name, o.ID, err)
				builder.Field(i).AppendNull()
			}
		}
	}
	t.offers = builder.NewRecordBatch()
	t.columns = predicate.NewBatch(t.offers)
	if len(t.mistakes) > 0 {
		t.offers.Release()
	}
}

func (t *trial) fail(place diag.Text, hint, format string, args ...any) {
	d := place.At(0, max(1, len([]rune(place.Value))), format, args...)
	t.mistakes = append(t.mistakes, d.WithHint("%s", hint))
}

func (t *trial) vars(row int) *predicate.Vars {
	return &predicate.Vars{Offer: predicate.Row{Batch: t.columns, Index: row}, Now: t.now}
}

// compare holds what the feed takes against what the test expects.
func (t *trial) compare(s subject) {
	items, err := t.items(s)
	if err != nil {
		t.fail(t.test.Place, "", "feed %s: %v", t.test.Feed, err)
		return
	}
	for row, o := range t.test.Offers {
		_, taken := items[row]
		at := slices.IndexFunc(t.test.Expect, func(id diag.Text) bool { return id.Value == o.ID })
		switch {
		case taken && at < 0:
			t.fail(o.Place, "", "feed %s takes offer %s, which the test does not expect", t.test.Feed, o.ID)
		case !taken && at >= 0:
			t.fail(t.test.Expect[at], t.why[o.ID], "feed %s does not take offer %s", t.test.Feed, o.ID)
		}
		want, given := t.test.Renders[o.ID]
		switch {
		case given && taken:
			t.compareText(want, items[row], o.ID)
		case given && at < 0:
			t.fail(want, t.why[o.ID], "feed %s does not take offer %s, so nothing is rendered of it", t.test.Feed, o.ID)
		}
	}
}

// items renders what the feed takes, by row.
func (t *trial) items(s subject) (map[int]string, error) {
	rows, err := t.chosen(s, t.selected(s.where))
	if err != nil {
		return nil, err
	}
	return t.render(s, rows)
}

// compareText compares an item line by line; blanks around lines, and empty
// lines, do not count.
func (t *trial) compareText(want diag.Text, got, id string) {
	wanted, given := significant(want.Value), significant(got)
	for i := range max(len(wanted), len(given)) {
		switch {
		case i >= len(wanted):
			t.fail(want, "it is rendered as\n"+indent(given), "offer %s: line %d is more than the test expects: %s", id, i+1, given[i])
		case i >= len(given):
			t.fail(want, "it is rendered as\n"+indent(given), "offer %s: line %d is missing: %s", id, i+1, wanted[i])
		case wanted[i] != given[i]:
			t.fail(want, "it is rendered as\n"+indent(given), "offer %s: line %d is %s, expected %s", id, i+1, given[i], wanted[i])
		default:
			continue
		}
		return
	}
}

func significant(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func indent(lines []string) string { return "      " + strings.Join(lines, "\n      ") }

// selected returns the rows of which the predicate is true.
func (t *trial) selected(where *predicate.Expr) []int {
	var rows []int
	for row, o := range t.test.Offers {
		outcome, err := where.Decide(t.vars(row))
		switch outcome {
		case predicate.True:
			rows = append(rows, row)
		case predicate.False:
			t.why[o.ID] = "where is false of it"
		default:
			t.why[o.ID] = fmt.Sprintf("where cannot be decided: %v", err)
		}
	}
	return rows
}

// render renders the items of some rows. Those that break a rule are left out.
func (t *trial) render(s subject, rows []int) (map[int]string, error) {
	items := map[int]string{}
	if s.template == nil {
		for _, row := range rows {
			items[row] = ""
		}
		return items, nil
	}
	fields, err := field.Compile(s.fields).Columns(memory.DefaultAllocator, t.offers, rows, t.now, func(string, int, error) {})
	if err != nil {
		return nil, err
	}
	defer fields.Release()
	var out template.Items
	if err := s.template.Renderer(s.params).Items(&out, t.offers, fields, rows); err != nil {
		return nil, err
	}
	start := 0
	for i, row := range rows {
		items[row] = string(out.Data[start:out.Ends[i]])
		start = out.Ends[i]
	}
	for _, left := range out.Left {
		delete(items, left.Row)
		t.why[t.id(left.Row)] = "its template leaves it out: " + left.Reason
	}
	return items, nil
}
