package workspace

import (
	"strings"
	"unicode"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// An OfferDefinition says how an offer is put together from sources.
type OfferDefinition struct {
	From    []string // sources; the offer's id is their key
	Joins   []Join   // in order of reference
	Columns []Derived
	Hidden  []string // columns of Full that Schema leaves out
}

// A Join adds the rows of another source to an offer, as a struct or, with Many,
// as a list of structs.
type Join struct {
	Name   string // of the column it makes
	Place  diag.Text
	Source string
	On     *predicate.Expr // over the offer as it stands before this join
	By     string          // the source's column that On is compared with; empty: its key
	Many   bool
	Where  *predicate.Expr // over `it`; nil: every row
	Order  []Order         // over `it`
	Limit  int             // of Many: more rows than this are an error; zero: no limit
	Type   offer.Type      // of the column it makes
}

// An Order is one sort key; nulls come last.
type Order struct {
	Expr *predicate.Expr
	Desc bool
}

// A Derived is a column computed from the offer as it stands before it.
type Derived struct {
	Name  string
	Type  offer.Type
	Value *predicate.Expr
}

// An offerDraft is the offer as it was read.
type offerDraft struct {
	from    []diag.Text
	joins   []joinDraft
	columns []derivedDraft
	hidden  []diag.Text
}

type joinDraft struct {
	name       diag.Text
	source, by diag.Text
	on, where  diag.Text
	order      []orderDraft
	many       bool
	limit      int64
}

type derivedDraft struct {
	name  diag.Text
	typ   offer.Type
	value diag.Text
}

type orderDraft struct {
	text diag.Text
	desc bool
}

func (v value) offer() *offerDraft {
	d := &offerDraft{}
	has := v.object(fields{
		"from":    func(v value) { d.from = v.from() },
		"join":    func(v value) { d.joins = v.joins() },
		"columns": func(v value) { d.columns = v.derived() },
		"hidden":  func(v value) { d.hidden = v.names() },
	})
	v.require(has, "from")
	return d
}

// from reads the names of the sources that offers come from.
func (v value) from() []diag.Text {
	if v.isList() && len(v.node.Content) == 0 {
		v.report(v.head("from is empty").WithHint("name the source that offers come from"))
	}
	return v.names()
}

// names reads a list of names, of which none may stand twice.
func (v value) names() []diag.Text {
	var out []diag.Text
	seen := map[string]bool{}
	for _, e := range v.items() {
		t, ok := e.text()
		switch {
		case !ok:
		case seen[t.Value]:
			e.fail("%s stands twice", t.Written())
		default:
			seen[t.Value] = true
			out = append(out, t)
		}
	}
	return out
}

func (v value) joins() []joinDraft {
	var out []joinDraft
	for _, e := range v.entries() {
		if e.identifier("join", columnName, "letters, digits and _, beginning with a letter") {
			j := joinDraft{name: e.name}
			e.value.join(&j)
			out = append(out, j)
		}
	}
	return out
}

func (v value) join(j *joinDraft) {
	has := v.object(fields{
		"source": func(v value) { j.source, _ = v.text() },
		"on":     func(v value) { j.on = v.expression() },
		"by":     func(v value) { j.by, _ = v.text() },
		"many":   func(v value) { j.many = v.truth() },
		"where":  func(v value) { j.where = v.expression() },
		"order":  func(v value) { j.order = v.orders() },
		"limit":  func(v value) { j.limit = v.number(1) },
	})
	v.require(has, "source", "on")
	for _, key := range []string{"order", "limit"} {
		if e, found := has[key]; found && !j.many {
			v.report(e.head("%s is of use only with many: true", key).WithHint("without it a join gives at most one row"))
		}
	}
}

func (v value) derived() []derivedDraft {
	var out []derivedDraft
	for _, e := range v.entries() {
		if !e.identifier("column", columnName, "letters, digits and _, beginning with a letter") {
			continue
		}
		d := derivedDraft{name: e.name, typ: offer.Type{Kind: badType}}
		has := e.value.object(fields{
			"type":  func(v value) { d.typ = v.columnType() },
			"value": func(v value) { d.value = v.expression() },
		})
		e.value.require(has, "type", "value")
		out = append(out, d)
	}
	return out
}

// orders reads sort keys: expressions with asc or desc behind them.
func (v value) orders() []orderDraft {
	var out []orderDraft
	for _, e := range v.items() {
		t := e.expression()
		if t.Value == "" {
			continue
		}
		out = append(out, sortKey(t))
	}
	return out
}

// sortKey takes asc or desc off the end of a sort key, and a comment behind it.
func sortKey(t diag.Text) orderDraft {
	text := strings.TrimRightFunc(uncommented(t.Value), unicode.IsSpace)
	for _, direction := range []string{"asc", "desc"} {
		rest, found := strings.CutSuffix(text, direction)
		key := strings.TrimRightFunc(rest, unicode.IsSpace)
		if found && key != "" && key != rest {
			return orderDraft{text: t.Slice(0, len(key)), desc: direction == "desc"}
		}
	}
	return orderDraft{text: t}
}
