package eval

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/eval/term"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// noTerm stands for an expression that terms cannot say.
const noTerm term.ID = -1

// Values computes expressions of a set: those that terms can say over columns, the
// others row by row. Its values are those of predicate.Expr.Eval. It is safe for
// concurrent use.
type Values struct {
	exprs []*predicate.Expr
	pool
}

// CompileValues makes the program of a set of expressions over offers.
func CompileValues(exprs []*predicate.Expr) *Values {
	v := &Values{exprs: exprs}
	v.usesNow = readsNow(exprs)
	v.build = func(now time.Time) *plan { return newValuePlan(exprs, now) }
	return v
}

func newValuePlan(exprs []*predicate.Expr, now time.Time) *plan {
	p := emptyPlan(len(exprs), now)
	for i, x := range exprs {
		id, err := p.table.AddValue(x, now)
		if err != nil {
			id = noTerm
		}
		p.roots[i] = id
	}
	p.complete()
	return p
}

// Slow returns the expressions that are computed row by row. Predicate is the
// number of the expression.
func (v *Values) Slow() []Slow {
	var out []Slow
	table := term.NewTable()
	for i, x := range v.exprs {
		if _, err := table.AddValue(x, time.Unix(0, 0).UTC()); err != nil {
			out = append(out, Slow{Predicate: i, Expr: x, Reason: err.Error()})
		}
	}
	return out
}

// A Take is given the value of an expression, by its number, for a row of the
// batch, or why there is none.
type Take func(expr, row int, value any, err error)

// Each computes every expression for some rows of a batch, which ascend. The rows
// of one expression are taken in that order.
func (v *Values) Each(batch arrow.RecordBatch, rows []int, now time.Time, take Take) {
	m := v.machine(now)
	defer v.takeBack(m)
	vars := predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}, Now: now}
	for len(rows) > 0 {
		first := rows[0] / blockRows * blockRows
		n := 0
		for n < len(rows) && rows[n] < first+blockRows {
			n++
		}
		v.block(m, batch, first, rows[:n], &vars, take)
		rows = rows[n:]
	}
}

// block computes the expressions for rows of one block.
func (v *Values) block(m *machine, batch arrow.RecordBatch, first int, rows []int, vars *predicate.Vars, take Take) {
	block := batch.NewSlice(int64(first), min(int64(first+blockRows), batch.NumRows()))
	defer block.Release()
	m.enter(block)
	for i, x := range v.exprs {
		column, ok := m.columnOf(i)
		for _, row := range rows {
			at := row - first
			if ok && column.stateOf(at) != failed {
				take(i, row, column.plain(at, m.table.Terms[m.roots[i]].Type.Kind), nil)
				continue
			}
			vars.Offer.Index = row
			value, err := x.Eval(vars) // also for the reason of a failure
			take(i, row, value, err)
		}
	}
}

// columnOf returns the values of an expression; ok is false where terms cannot say
// it, or the columns are not those that it was checked for.
func (m *machine) columnOf(i int) (column *vec, ok bool) {
	if m.roots[i] == noTerm {
		return nil, false
	}
	defer func() {
		if e := recover(); e != nil {
			if _, isMisfit := e.(misfit); !isMisfit {
				panic(e)
			}
			column, ok = nil, false
		}
	}()
	return m.valueIn(m.roots[i], term.Rows), true
}

// plain returns a scalar as Go's value; null, and an error that null caused, are
// nil.
func (v *vec) plain(i int, kind offer.Kind) any {
	if !v.ok(i) {
		return nil
	}
	switch term.Base(kind) {
	case offer.String:
		return v.texts[i]
	case offer.Bool:
		return v.ints[i] != 0
	case offer.Int:
		return v.ints[i]
	case offer.Double:
		return v.floats[i]
	case offer.Timestamp:
		return v.time(i)
	case term.Duration:
		return time.Duration(v.ints[i])
	default:
		panic(fmt.Sprintf("eval: a value of kind %d", kind))
	}
}
