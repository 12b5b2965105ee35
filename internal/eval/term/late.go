package term

import "github.com/feedmill/feedmill/internal/offer"

// A Lateness says when a condition is asked: what costs much is asked last, and
// only about the rows on which the other legs leave it open.
type Lateness uint8

// The latenesses, cheapest first.
const (
	AtOnce   Lateness = iota // of all rows of a block
	Searched                 // a text is searched for each row
	RowByRow                 // the row-wise evaluator decides
)

// Lateness returns when each term is to be asked. A term made by Regroup is asked
// at once.
func (t *Table) Lateness() []Lateness {
	out := make([]Lateness, len(t.Terms))
	for id := range t.Terms {
		x := &t.Terms[id]
		switch {
		case x.Op == Opaque:
			out[id] = RowByRow
		case x.Searches():
			if x.Space == Rows {
				out[id] = Searched
			}
		case x.Space == Rows && (x.Op.Joins() || x.Op == Cond && x.Type.Kind == offer.Bool):
			for _, a := range x.Args {
				out[id] = max(out[id], out[a])
			}
		}
	}
	return out
}

// Searches reports whether a leaf looks for something anywhere in a text.
func (x *Term) Searches() bool { return x.Op == Contains || x.Op == Match }
