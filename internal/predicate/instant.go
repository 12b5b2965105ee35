package predicate

import (
	"slices"

	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// inUTC makes timestamp() give instants without a zone, as columns hold them and
// CEL's specification says. cel-go's own keeps the offset of the text: of
// timestamp("2026-01-01T02:00:00+02:00") string() and getHours() would tell
// something else than of the same instant in a column.
func inUTC(bindings []*functions.Overload) []*functions.Overload {
	out := slices.Clone(bindings)
	for i, o := range out {
		changed := *o
		if unary := o.Unary; unary != nil {
			changed.Unary = func(v ref.Val) ref.Val { return instantOf(unary(v)) }
		}
		if function := o.Function; function != nil {
			changed.Function = func(args ...ref.Val) ref.Val { return instantOf(function(args...)) }
		}
		out[i] = &changed
	}
	return out
}

func instantOf(v ref.Val) ref.Val {
	if t, ok := v.(types.Timestamp); ok {
		return types.Timestamp{Time: t.UTC()}
	}
	return v
}
