package term

import (
	"cel.dev/cel-go/common/ast"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A Function is what a Call term calls; its name is the number of the function
// in its table.
type Function struct {
	Name string
	Do   predicate.Function
}

// function returns the number of a call's function. Calls of one name and types
// are one function: neither says anything else about what it does.
func (b *builder) function(e ast.Expr, args []ID) (int, bool) {
	key := e.AsCall().FunctionName()
	for _, a := range args {
		key += " " + kindName(b.table.Terms[a].Type)
	}
	if n, ok := b.table.functions[key]; ok {
		return n, true
	}
	do := b.checked.Function(e)
	if do == nil {
		return 0, false
	}
	n := len(b.table.Functions)
	b.table.Functions = append(b.table.Functions, Function{key, do})
	b.table.functions[key] = n
	return n, true
}

func kindName(t offer.Type) string {
	switch k := Base(t.Kind); k {
	case Duration:
		return "duration"
	case Null:
		return "null"
	case offer.List:
		return "list"
	case offer.Map:
		return "map"
	case offer.Struct:
		return "struct"
	default:
		return offer.Type{Kind: k}.String()
	}
}
