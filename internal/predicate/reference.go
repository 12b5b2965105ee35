package predicate

import (
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// A Reference is cel-go's own plain program of a predicate, which tests and
// benchmarks hold what we make of it against. Of coalesce, which no library of
// cel-go's has, it takes any error for one that null caused. It is safe for
// concurrent use.
type Reference struct {
	env     *Env
	program cel.Program
}

// Reference plans a predicate over offers as cel-go does without options.
func (x *Expr) Reference() (*Reference, error) {
	program, err := x.parts.env.cel.PlanProgram(x.parts.ast)
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", x.text, err)
	}
	return &Reference{x.parts.env, program}, nil
}

// Decide says whether the predicate is true of an offer; an error is one that null
// caused, or another.
func (r *Reference) Decide(offer Row, now time.Time) (bool, error) {
	row := offer.Batch.view(r.env.structs["@offer"]).value(offer.Index)
	v, _, err := r.program.Eval(map[string]any{"offer": row, "now": now})
	if err != nil {
		return false, err
	}
	if v == types.NullValue {
		return false, fmt.Errorf("the condition is null")
	}
	return v == types.True, nil
}
