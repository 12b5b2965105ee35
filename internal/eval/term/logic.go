package term

import (
	"slices"

	"github.com/feedmill/feedmill/internal/offer"
)

var boolean = offer.Type{Kind: offer.Bool}

// constant returns the term of a plain value.
func (t *Table) constant(v any, kind offer.Kind) ID {
	return t.add(Term{Op: Const, Value: v, Type: offer.Type{Kind: kind}})
}

// decision returns a term that decides.
func (t *Table) decision(op Op, args ...ID) ID { return t.add(Term{Op: op, Args: args, Type: boolean}) }

// junction is && or || of legs, flat, sorted and without repeats.
func (t *Table) junction(op Op, legs []ID) ID {
	absorbs := t.constant(op == Or, offer.Bool)
	neutral := t.constant(op == And, offer.Bool)
	var flat []ID
	for _, leg := range legs {
		if t.Terms[leg].Op == op {
			flat = append(flat, t.Terms[leg].Args...)
		} else if leg != neutral {
			flat = append(flat, leg)
		}
	}
	slices.Sort(flat)
	flat = slices.Compact(flat)
	switch {
	case slices.Contains(flat, absorbs):
		return absorbs
	case len(flat) == 0:
		return neutral
	case len(flat) == 1 && t.Terms[flat[0]].Op.Decides():
		return flat[0]
	}
	return t.decision(op, flat...)
}

// negation is !x.
func (t *Table) negation(x ID) ID {
	n := &t.Terms[x]
	switch {
	case n.Op == Const && n.Value != nil:
		return t.constant(!n.Value.(bool), offer.Bool)
	case n.Op == Not && t.Terms[n.Args[0]].Op.Decides():
		return n.Args[0]
	default:
		return t.decision(Not, x)
	}
}

// isConst reports whether a term is a constant other than null.
func (t *Table) isConst(id ID) bool { return t.Terms[id].Op == Const && t.Terms[id].Value != nil }

func (t *Table) isNull(id ID) bool { return t.Terms[id].Op == Const && t.Terms[id].Value == nil }
