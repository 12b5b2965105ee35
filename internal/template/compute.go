package template

import (
	"maps"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// pipe compiles a pipeline, whose variables it declares or assigns.
func (c *compiler) pipe(n *parse.PipeNode) expression {
	value := c.value(n)
	if len(n.Decl) == 0 {
		return value
	}
	var slots []int
	for _, v := range n.Decl {
		if !n.IsAssign {
			c.scope = append(c.scope, v.Ident[0])
		}
		slots = append(slots, c.slot(v.Ident[0]))
	}
	return func(p *press) operand {
		v := value(p)
		for _, slot := range slots {
			p.set(slot, v)
		}
		return v
	}
}

func (c *compiler) value(n *parse.PipeNode) expression {
	var last expression
	for i, cmd := range n.Cmds {
		if i > 0 && len(n.Cmds[i-1].Args) == 1 {
			last = c.command(cmd, last, n.Cmds[i-1].Args[0])
		} else {
			last = c.command(cmd, last, nil)
		}
	}
	return last
}

// command compiles a command to which last, unless it is nil, is piped; it is that of
// a node alone, or that is nil.
func (c *compiler) command(n *parse.CommandNode, last expression, of parse.Node) expression {
	name, ok := n.Args[0].(*parse.IdentifierNode)
	if !ok {
		return c.argument(n.Args[0])
	}
	var args []expression
	for _, a := range n.Args[1:] {
		args, of = append(args, c.argument(a)), a
	}
	if last != nil {
		args = append(args, last)
	}
	call := function(name.Ident, args)
	if name.Ident != "striphtml" || c.sharing == nil || of == nil {
		return call
	}
	if names := c.namesOf(of); len(names) > 1 && names[0] == "offer" {
		return c.sharing.memo(names).stripped(c.sharing.Shared, args[0], call)
	}
	return call
}

func (c *compiler) argument(n parse.Node) expression {
	switch n := n.(type) {
	case *parse.DotNode:
		return func(p *press) operand { return p.dot }
	case *parse.FieldNode:
		if c.atRoot {
			return c.fromRoot(n.Ident)
		}
		return selected(func(p *press) operand { return p.dot }, n.Ident)
	case *parse.VariableNode:
		if c.inItem && n.Ident[0] == "$" {
			return c.fromRoot(n.Ident[1:])
		}
		slot := c.slot(n.Ident[0])
		return selected(func(p *press) operand { return p.vars[p.base+slot] }, n.Ident[1:])
	case *parse.ChainNode:
		return selected(c.argument(n.Node), n.Field)
	case *parse.PipeNode:
		return c.pipe(n)
	case *parse.IdentifierNode:
		return function(n.Ident, nil)
	case *parse.StringNode:
		return constant(textOperand(n.Text))
	case *parse.BoolNode:
		return constant(truth(n.True))
	case *parse.NumberNode:
		return constant(unboxed(numberOf(n)))
	default:
		panic("template: a " + n.String() + " was not refused")
	}
}

func constant(v operand) expression { return func(*press) operand { return v } }

// selected follows names from a value.
func selected(from expression, names []string) expression {
	for _, name := range names {
		from = selectedName(from, name)
	}
	return from
}

// fromRoot follows names from what the item sees. Columns are found once for each
// batch.
func (c *compiler) fromRoot(names []string) expression {
	if len(names) == 2 && names[0] == "params" {
		if value, set := c.params[names[1]]; set {
			return constant(textOperand(value))
		}
		return constant(operand{})
	}
	if len(names) < 2 || names[0] != "offer" && names[0] != "fields" {
		return selected(constant(operand{kind: isRoot}), names)
	}
	return selected(c.column(names[0], names[1]), names[2:])
}

// column is a column of the offers or the fields.
func (c *compiler) column(of, name string) expression {
	slot := slices.Index(c.columns, columnName{of, name})
	if slot < 0 {
		slot = len(c.columns)
		c.columns = append(c.columns, columnName{of, name})
	}
	return func(p *press) operand { return columnAt(p.columns[slot], p.row) }
}

// A columnName is the name of a column of the offers or of the fields.
type columnName struct{ of, name string }

// bind finds the columns of a batch.
func (p *press) bind(offers, fields arrow.RecordBatch, names []columnName) {
	if p.offers == offers && p.fields == fields && len(p.columns) == len(names) {
		return
	}
	p.offers, p.fields, p.columns = offers, fields, p.columns[:0]
	for _, n := range names {
		record := offers
		if n.of == "fields" {
			record = fields
		}
		var column arrow.Array
		if record != nil {
			column = columnOf(record, n.name)
		}
		p.columns = append(p.columns, column)
	}
}

// selectedName selects a name; through null, or where there is no such name, it gives
// null. It remembers the column of the struct that it saw last.
func selectedName(from expression, name string) expression {
	var parent *array.Struct
	var column arrow.Array
	return func(p *press) operand {
		v := from(p)
		switch v.kind {
		case isRoot:
			return p.rootMember(name)
		case isOffer, isFields:
			record := p.offers
			if v.kind == isFields {
				record = p.fields
			}
			if record == nil {
				return operand{}
			}
			return columnAt(columnOf(record, name), p.row)
		case isMember:
			if of := v.of.(*array.Struct); parent != of {
				parent, column = of, fieldOf(of, name)
			}
			return columnAt(column, int(v.n))
		case isMap:
			return entry(v, name)
		case isBoxed:
			return unboxed(selectPath(v.of, name))
		default:
			return operand{}
		}
	}
}

func (p *press) rootMember(name string) operand {
	switch name {
	case "offer":
		return operand{kind: isOffer}
	case "fields":
		return operand{kind: isFields}
	case "params":
		return operand{kind: isBoxed, of: p.params}
	default:
		return operand{}
	}
}

func columnOf(record arrow.RecordBatch, name string) arrow.Array {
	at := record.Schema().FieldIndices(name)
	if len(at) == 0 {
		return nil
	}
	return record.Column(at[0])
}

func fieldOf(a *array.Struct, name string) arrow.Array {
	at, found := a.DataType().(*arrow.StructType).FieldIdx(name)
	if !found {
		return nil
	}
	return a.Field(at)
}

func columnAt(column arrow.Array, row int) operand {
	if column == nil {
		return operand{}
	}
	return operandAt(column, row)
}

// entry is the value of a key of a map; of a key that stands twice the last
// counts.
func entry(v operand, name string) operand {
	a := v.of.(*array.Map)
	keys := a.Keys().(*array.String)
	from, to := v.span()
	for i := to - 1; i >= from; i-- {
		if keys.Value(i) == name {
			return operandAt(a.Items(), i)
		}
	}
	return operand{}
}

// each calls do for the elements of a list, or the entries of a map by key, until
// it returns false.
func (p *press) each(v operand, do func(key, elem operand) bool) {
	switch v.kind {
	case isList:
		values := v.of.(*array.List).ListValues()
		from, to := v.span()
		for i := from; i < to; i++ {
			if !do(intOperand(int64(i-from)), operandAt(values, i)) {
				return
			}
		}
	case isMap:
		eachEntry(v, do)
	case isBoxed:
		p.eachBoxed(v.of, do)
	}
}

// eachEntry goes through a map by key; of a key that stands twice the last counts.
func eachEntry(v operand, do func(key, elem operand) bool) {
	a := v.of.(*array.Map)
	keys, items := a.Keys().(*array.String), a.Items()
	var few [16]int
	order := few[:0]
	for from, to := v.span(); from < to; from++ {
		order = append(order, from)
	}
	slices.SortStableFunc(order, func(i, k int) int { return strings.Compare(keys.Value(i), keys.Value(k)) })
	for n, i := range order {
		if n+1 < len(order) && keys.Value(order[n+1]) == keys.Value(i) {
			continue
		}
		if !do(textOperand(keys.Value(i)), operandAt(items, i)) {
			return
		}
	}
}

func (p *press) eachBoxed(v any, do func(key, elem operand) bool) {
	switch v := v.(type) {
	case []any:
		for i, elem := range v {
			if !do(intOperand(int64(i)), unboxed(elem)) {
				return
			}
		}
	case map[string]any:
		for _, key := range slices.SortedFunc(maps.Keys(v), strings.Compare) {
			if !do(textOperand(key), unboxed(v[key])) {
				return
			}
		}
	}
}
