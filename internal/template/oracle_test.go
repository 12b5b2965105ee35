package template

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
	"time"
)

// An oracle runs a template's item over one offer, node by node of its parse
// tree, by the rules of the package comment. It shares the parser and stripHTML
// with the renderer, nothing else: its values come from the random offer and not
// from Arrow, and it computes with exact numbers.
//
// Its values are nil, bool, int64, float64, string, amount, time.Time, date
// (a time.Time), []any, map[string]any for a map and object for a struct.
type oracle struct {
	trees map[string]*parse.Tree
	vars  []bound
	out   strings.Builder
}

type bound struct {
	name  string
	value any
}

type object map[string]any

type midnight struct{ time.Time }

// An amount is a decimal, as it prints.
type amount string

func (o *oracle) block(name string, dot any) {
	outer := o.vars
	o.vars = []bound{{"$", dot}}
	o.list(o.trees[name].Root, dot)
	o.vars = outer
}

func (o *oracle) list(list *parse.ListNode, dot any) {
	if list == nil {
		return
	}
	mark := len(o.vars)
	for _, n := range list.Nodes {
		o.node(n, dot)
	}
	o.vars = o.vars[:mark]
}

func (o *oracle) node(n parse.Node, dot any) {
	switch n := n.(type) {
	case *parse.TextNode:
		o.out.Write(n.Text)
	case *parse.ActionNode:
		if v := o.pipe(n.Pipe, dot); len(n.Pipe.Decl) == 0 {
			o.print(v)
		}
	case *parse.IfNode:
		o.branch(&n.BranchNode, dot, false)
	case *parse.WithNode:
		o.branch(&n.BranchNode, dot, true)
	case *parse.RangeNode:
		o.loop(n, dot)
	case *parse.TemplateNode:
		o.block(n.Name, o.pipe(n.Pipe, dot))
	}
}

func (o *oracle) branch(n *parse.BranchNode, dot any, with bool) {
	mark := len(o.vars)
	v := o.pipe(n.Pipe, dot)
	switch {
	case !isTrue(v):
		o.list(n.ElseList, dot)
	case with:
		o.list(n.List, v)
	default:
		o.list(n.List, dot)
	}
	o.vars = o.vars[:mark]
}

func (o *oracle) loop(n *parse.RangeNode, dot any) {
	mark := len(o.vars)
	var keys, values []any
	switch v := o.value(n.Pipe, dot).(type) {
	case []any:
		for i, e := range v {
			keys, values = append(keys, int64(i)), append(values, e)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			keys, values = append(keys, key), append(values, v[key])
		}
	}
	for i, v := range values {
		switch decl := n.Pipe.Decl; len(decl) {
		case 1:
			o.vars = append(o.vars, bound{decl[0].Ident[0], v})
		case 2:
			o.vars = append(o.vars, bound{decl[0].Ident[0], keys[i]}, bound{decl[1].Ident[0], v})
		}
		o.list(n.List, v)
		o.vars = o.vars[:mark]
	}
	if len(values) == 0 {
		o.list(n.ElseList, dot)
	}
}

func (o *oracle) pipe(n *parse.PipeNode, dot any) any {
	v := o.value(n, dot)
	for _, d := range n.Decl {
		if !n.IsAssign {
			o.vars = append(o.vars, bound{d.Ident[0], v})
			continue
		}
		for i := len(o.vars) - 1; i >= 0; i-- {
			if o.vars[i].name == d.Ident[0] {
				o.vars[i].value = v
				break
			}
		}
	}
	return v
}

func (o *oracle) value(n *parse.PipeNode, dot any) (v any) {
	for i, cmd := range n.Cmds {
		var piped []any
		if i > 0 {
			piped = []any{v}
		}
		v = o.command(cmd, dot, piped)
	}
	return v
}

func (o *oracle) command(n *parse.CommandNode, dot any, piped []any) any {
	name, isCall := n.Args[0].(*parse.IdentifierNode)
	if !isCall {
		return o.argument(n.Args[0], dot)
	}
	var args []any
	for _, a := range n.Args[1:] {
		args = append(args, o.argument(a, dot))
	}
	return called(name.Ident, append(args, piped...))
}

func (o *oracle) argument(n parse.Node, dot any) any {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return walk(dot, n.Ident)
	case *parse.VariableNode:
		for _, v := range slices.Backward(o.vars) {
			if v.name == n.Ident[0] {
				return walk(v.value, n.Ident[1:])
			}
		}
		panic("no variable " + n.Ident[0])
	case *parse.ChainNode:
		return walk(o.argument(n.Node, dot), n.Field)
	case *parse.PipeNode:
		return o.pipe(n, dot)
	case *parse.StringNode:
		return n.Text
	case *parse.BoolNode:
		return n.True
	case *parse.NumberNode:
		if strings.Contains(n.Text, ".") {
			return n.Float64
		}
		return n.Int64
	}
	panic(fmt.Sprintf("a %T", n))
}

func walk(v any, names []string) any {
	for _, name := range names {
		switch s := v.(type) {
		case object:
			v = s[name]
		case map[string]any:
			v = s[name]
		default:
			return nil
		}
	}
	return v
}

func isTrue(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	case object, time.Time, midnight:
		return true
	case string:
		return v != ""
	}
	return number(v).Sign() != 0
}

// number is a number, exactly; nil of anything else.
func number(v any) *big.Rat {
	switch v := v.(type) {
	case int64:
		return new(big.Rat).SetInt64(v)
	case float64:
		return new(big.Rat).SetFloat64(v)
	case amount:
		r, _ := new(big.Rat).SetString(string(v))
		return r
	}
	return nil
}

// order compares; beside a double a decimal is the nearest double.
func order(a, b any) (int, bool) {
	_, x := a.(float64)
	_, y := b.(float64)
	if d, ok := a.(amount); ok && y {
		a, _ = number(d).Float64()
	}
	if d, ok := b.(amount); ok && x {
		b, _ = number(d).Float64()
	}
	if s, ok := a.(string); ok {
		other, same := b.(string)
		return strings.Compare(s, other), same
	}
	if p, q := moment(a), moment(b); !p.IsZero() && !q.IsZero() {
		return p.Compare(q), true
	}
	if p, q := number(a), number(b); p != nil && q != nil {
		return p.Cmp(q), true
	}
	return 0, false
}

func moment(v any) time.Time {
	switch v := v.(type) {
	case time.Time:
		return v
	case midnight:
		return v.Time
	}
	return time.Time{}
}

func same(a, b any) bool {
	if x, ok := a.(bool); ok {
		y, both := b.(bool)
		return both && x == y
	}
	n, ok := order(a, b)
	return ok && n == 0
}

// called is what a function gives.
func called(name string, args []any) any {
	a := args[0]
	n, comparable := order(a, args[len(args)-1])
	switch name {
	case "and", "or":
		for _, v := range args[:len(args)-1] {
			if isTrue(v) == (name == "or") {
				return v
			}
		}
		return args[len(args)-1]
	case "not":
		return !isTrue(a)
	case "eq":
		return slices.ContainsFunc(args[1:], func(b any) bool { return same(a, b) })
	case "ne":
		return !same(a, args[1])
	case "lt":
		return comparable && n < 0
	case "le":
		return comparable && n <= 0
	case "gt":
		return comparable && n > 0
	case "ge":
		return comparable && n >= 0
	case "len":
		return size(a)
	case "index":
		return elementOf(a, args[1:])
	case "default":
		if b := args[1]; b != nil && b != "" && (size(b) > 0 || !hasSize(b)) {
			return b
		}
		return a
	case "printf":
		return strings.Replace(strings.Replace(a.(string), "%s", printed(args[1]), 1), "%v", printed(args[2]), 1)
	}
	return onTexts(name, args)
}

func hasSize(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

func size(v any) int64 {
	switch v := v.(type) {
	case []any:
		return int64(len(v))
	case map[string]any:
		return int64(len(v))
	case string:
		return int64(len([]rune(v)))
	}
	return 0
}

func elementOf(v any, keys []any) any {
	for _, key := range keys {
		if at, ok := key.(int64); ok {
			list, _ := v.([]any)
			if at < 0 || at >= int64(len(list)) {
				return nil
			}
			v = list[at]
			continue
		}
		name, ok := key.(string)
		if !ok {
			return nil
		}
		v = walk(v, []string{name})
	}
	return v
}

// onTexts is what functions give that are null for null.
func onTexts(name string, args []any) any {
	last := args[len(args)-1]
	switch name {
	case "money":
		if number(args[0]) == nil || printed(last) == "" {
			return nil
		}
		return cents(args[0]) + " " + printed(last)
	case "join":
		list, ok := args[0].([]any)
		if !ok {
			return nil
		}
		var texts []string
		for _, v := range list {
			if v != nil {
				texts = append(texts, printed(v))
			}
		}
		return strings.Join(texts, printed(last))
	case "date":
		if moment(last).IsZero() {
			return nil
		}
		return moment(last).Format(args[0].(string))
	case "enum":
		last = args[0]
	}
	if last == nil {
		return nil
	}
	text := printed(last)
	switch name {
	case "truncate":
		return string([]rune(text)[:min(max(args[0].(int64), 0), size(text))])
	case "striphtml":
		return stripHTML(text)
	case "lower":
		return strings.ToLower(text)
	case "upper":
		return strings.ToUpper(text)
	case "urlquery":
		return url.QueryEscape(text)
	case "enum":
		for i := 1; i < len(args); i += 2 {
			if args[i] != nil && printed(args[i]) == text {
				return args[i+1]
			}
		}
		return text
	}
	panic("no function " + name)
}

// cents rounds what a number prints half away from zero.
func cents(v any) string {
	if f, ok := v.(float64); ok {
		v = amount(strconv.FormatFloat(f, 'f', -1, 64))
	}
	text := number(v).FloatString(2) // rounds half away from zero
	if strings.Trim(text, "-0.") == "" {
		return "0.00"
	}
	return text
}

func printed(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case midnight:
		return v.Format(time.DateOnly)
	}
	return fmt.Sprint(v)
}

// print escapes for where the document stands.
func (o *oracle) print(v any) {
	text := strings.Map(func(r rune) rune {
		if cmp.Compare(r, ' ') < 0 && !strings.ContainsRune("\t\n\r", r) || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, printed(v))
	before := o.out.String()
	section, tag := strings.LastIndex(before, "<![CDATA["), strings.LastIndexByte(before, '<')
	switch {
	case section >= 0 && strings.LastIndex(before, "]]>") < section:
		o.out.WriteString(escapeSection(text))
	case tag > strings.LastIndexByte(before, '>'):
		o.out.WriteString(attributeEscaper.Replace(text))
	default:
		o.out.WriteString(textEscaper.Replace(text))
	}
}
