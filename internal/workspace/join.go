package workspace

import (
	"slices"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/source"
)

// join adds the column of a join.
func (a *assembly) join(d joinDraft) Join {
	out := Join{Name: d.name.Value, Place: d.name, Source: d.source.Value, By: d.by.Value, Many: d.many, Limit: int(d.limit)}
	out.On = a.value(d.on)
	def, found := a.find(d.source)
	if a.taken(d.name) {
		return out
	}
	if !found {
		a.doubt[d.name.Value] = true
		return out
	}
	a.partners(d, def, out.On)
	a.rows(d, def, &out)
	schema, whole := known(def)
	if !whole {
		a.doubt[d.name.Value] = true
		return out
	}
	out.Type = schema.Struct()
	if d.many {
		out.Type = offer.ListOf(out.Type)
	}
	a.add(d.name, out.Type)
	return out
}

// known returns the columns of a source whose types could be read; whole is false when
// these are not all.
func known(def *source.Definition) (schema offer.Schema, whole bool) {
	all := def.Schema()
	schema = slices.DeleteFunc(slices.Clone(all), func(f offer.Field) bool { return f.Type.Kind == badType })
	return schema, len(schema) > 0 && len(schema) == len(all)
}

// partners checks what the two sides of a join are compared by.
func (a *assembly) partners(d joinDraft, def *source.Definition, on *predicate.Expr) {
	wanted, found := a.byType(d, def)
	if !found || on == nil {
		return
	}
	got, ok := on.Type()
	if !ok {
		return
	}
	if d.many && got.Kind == offer.List {
		got = *got.Elem
	}
	if comparable(got, wanted, d.by.Value == "") {
		return
	}
	to := "the key of " + def.Name
	if d.by.Value != "" {
		to = "column " + d.by.Value + " of " + def.Name
	}
	report := d.on.At(0, runes(d.on.Value), "on gives %s, but %s is %s", got, to, wanted)
	if got.Kind == offer.List {
		report = report.WithHint("a list of keys needs many: true")
	}
	a.report(report)
}

// comparable reports whether a join can find rows of one type by values of the
// other. Keys are text, and an integer stands for its digits.
func comparable(on, by offer.Type, key bool) bool {
	return on.Equal(by) || key && on.Kind == offer.Int
}

// byType returns the type of what a join looks rows up by.
func (a *assembly) byType(d joinDraft, def *source.Definition) (offer.Type, bool) {
	if d.by.Value == "" {
		if def.Key.Value == "" && !a.drafts[def.Name].broken {
			report := d.source.At(0, runes(d.source.Value), "%s has no key to join it by", def.Name)
			a.report(report.WithHint("write by: and the name of a column"))
			return offer.Type{}, false
		}
		return offer.Type{Kind: offer.String}, true
	}
	schema := def.Schema()
	i := schema.Index(d.by.Value)
	if i < 0 {
		report := d.by.At(0, runes(d.by.Value), "source %s has no column %s", def.Name, d.by.Written())
		a.report(report.WithHint("%s", nearest(d.by.Value, columnNames(schema))))
		return offer.Type{}, false
	}
	t := schema[i].Type
	switch t.Kind {
	case offer.String, offer.Int, badType:
		return t, t.Kind != badType
	}
	report := d.by.At(0, runes(d.by.Value), "a join cannot compare with a %s", t)
	a.report(report.WithHint("it finds rows by a string or an int"))
	return offer.Type{}, false
}

// rows compiles what is asked of the rows of the joined source.
func (a *assembly) rows(d joinDraft, def *source.Definition, out *Join) {
	schema, whole := known(def)
	env := predicate.ItEnv(schema)
	keep := func(x *predicate.Expr, mistakes diag.List) *predicate.Expr {
		if whole {
			a.list = append(a.list, mistakes...)
		}
		if len(mistakes) > 0 {
			return nil
		}
		return x
	}
	if d.where.Value != "" {
		out.Where = keep(env.Predicate(d.where))
	}
	for _, o := range d.order {
		x := keep(env.Value(o.text))
		if x != nil && !a.sortable(o.text, x) {
			continue
		}
		out.Order = append(out.Order, Order{Expr: x, Desc: o.desc})
	}
}

// sortable reports a sort key that has no order.
func (b *book) sortable(t diag.Text, x *predicate.Expr) bool {
	if !x.Sortable() {
		b.report(t.At(0, runes(t.Value), "a %s cannot be sorted by", typeName(x)))
		return false
	}
	return true
}

// typeName is what people call the type of an expression's value.
func typeName(x *predicate.Expr) string {
	if t, known := x.Type(); known {
		return t.String()
	}
	return x.TypeName()
}
