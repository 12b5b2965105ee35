package predicate

import (
	"fmt"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// A reader is a chain that is read without CEL.
type reader interface {
	node
	plain(v *Vars) (any, error)
	has(f *frame) ref.Val
}

// chain returns the reader of a chain, or nil where it is none.
func (e *Env) chain(expr ast.Expr, names []string) reader {
	if len(names) == 0 {
		return nil
	}
	switch names[0] {
	case offerRoot, itRoot:
		return e.columnChain(expr, names)
	case nowRoot:
		return nowChain{}
	case rowRoot, itemRoot, pathRoot:
		return &plainChain{site: newSite(nil, expr), root: names[0], names: names[1:]}
	default:
		return nil
	}
}

type nowChain struct{}

func (nowChain) eval(f *frame) ref.Val      { return types.Timestamp{Time: f.vars.Now.UTC()} }
func (nowChain) plain(v *Vars) (any, error) { return v.Now.UTC(), nil }
func (nowChain) has(*frame) ref.Val         { return types.True }

// A plainChain walks a source row's plain values.
type plainChain struct {
	site
	root  string
	names []string
}

func (c *plainChain) eval(f *frame) ref.Val {
	v, err := c.walk(f.vars, len(c.names))
	if err != nil {
		return types.WrapErr(err)
	}
	return adapt(v)
}

func (c *plainChain) plain(v *Vars) (any, error) { return c.walk(v, len(c.names)) }

func (c *plainChain) has(f *frame) ref.Val {
	last := len(c.names) - 1
	if c.root == pathRoot && last == 0 {
		_, ok := f.vars.Path[c.names[0]]
		return types.Bool(ok)
	}
	v, err := c.walk(f.vars, last)
	if err != nil {
		return types.WrapErr(err)
	}
	switch v := v.(type) {
	case map[string]any:
		return types.Bool(v[c.names[last]] != nil)
	case []any:
		_, err := c.walkValue(v, c.names[last])
		return types.WrapErr(err)
	default:
		return types.False
	}
}

// walk goes along the first n names.
func (c *plainChain) walk(v *Vars, n int) (any, error) {
	value, names := c.begin(v, c.names[:n])
	for _, name := range names {
		switch fields := value.(type) {
		case nil:
			return nil, nil
		case map[string]any:
			value = fields[name]
		default:
			return c.walkValue(value, name)
		}
	}
	return value, nil
}

func (c *plainChain) begin(v *Vars, names []string) (any, []string) {
	switch {
	case c.root == rowRoot:
		return v.Row, names
	case c.root == itemRoot:
		return v.Item, names
	case len(names) == 0:
		return pathFields(v.Path), nil
	}
	if value, ok := v.Path[names[0]]; ok {
		return value, names[1:]
	}
	return nil, nil
}

func pathFields(path map[string]string) map[string]any {
	fields := make(map[string]any, len(path))
	for name, value := range path {
		fields[name] = value
	}
	return fields
}

// walkValue is the rare case of a value without fields.
func (c *plainChain) walkValue(value any, name string) (any, error) {
	operand := adapt(value)
	failed := &cause{written: c.written, err: fmt.Errorf("%s", missingText(operand, types.String(name)))}
	if _, ok := operand.(traits.Mapper); ok {
		failed.err = fmt.Errorf("a map of unknown kind: %T", value)
	}
	return nil, failed
}
