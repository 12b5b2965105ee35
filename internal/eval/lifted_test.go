package eval

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"
	expr "cel.dev/expr"
	_ "cel.dev/expr/conformance/proto2" // the cases' messages, of those that are skipped
	_ "cel.dev/expr/conformance/proto3"
	conformance "cel.dev/expr/conformance/test"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// How many of the specification's cases had literals that became columns when
// this was written, how many of those were vectorised to the last leg, and how
// many expressions were made of them, also of a short test. Fewer must not go
// unnoticed.
const (
	leastLifted           = 1277
	leastVectorised       = 808
	leastExpressions      = 4757
	leastShortLifted      = 1266
	leastShortVectorised  = 688
	leastShortExpressions = 1517
)

// liftedRows is how many rows a case has: its own values, nulls, and others'.
const liftedRows = 24

// TestLiftedConformance makes columns of the literals of the cases of cel.dev/expr:
// what programs say of the case's own values, of nulls and of other cases' values
// is what the row-wise evaluator says, and of its own what the specification
// says.
func TestLiftedConformance(t *testing.T) {
	l := newLifting(t)
	cases := conformanceCases(t)
	for i := range cases {
		l.collect(&cases[i])
	}
	for i := range cases {
		l.visit(t, &cases[i])
	}
	least := [3]int{leastLifted, leastVectorised, leastExpressions}
	if l.short {
		least = [3]int{leastShortLifted, leastShortVectorised, leastShortExpressions}
	}
	t.Logf("%d of %d cases lifted, %d of them vectorised, by %d expressions; %v", l.lifted, len(cases), l.vectorised, l.expressions, &l.compared)
	if l.lifted < least[0] || l.vectorised < least[1] || l.expressions < least[2] {
		t.Errorf("%d cases lifted, %d vectorised, %d expressions; want at least %v", l.lifted, l.vectorised, l.expressions, least)
	}
	if !slices.Equal(l.others, otherResults) {
		t.Errorf("other results than the specification's: %q, want %q", l.others, otherResults)
	}
}

// otherResults names the cases of which cel-go says something else than the
// specification, and we with it.
var otherResults = []string{
	"fields/qualified_identifier_resolution/map_value_repeat_key",
	"fields/qualified_identifier_resolution/map_value_repeat_key_heterogeneous",
	"optionals/optionals/map_null_entry_no_such_key",
	"optionals/optionals/map_present_key_invalid_field",
	"string_ext/value_errors/indexof_out_of_range",
	"string_ext/value_errors/lastindexof_out_of_range",
}

// A specified is a case of the specification.
type specified struct {
	*conformance.SimpleTest
	name  string
	parts []part // what of it may become columns
}

func conformanceCases(t *testing.T) []specified {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "cel.dev/expr").Output()
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "tests/simple/testdata/*.textproto"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no conformance files: %v", err)
	}
	var out []specified
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file conformance.SimpleTestFile
		if err := prototext.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, section := range file.Section {
			for _, test := range section.Test {
				out = append(out, specified{SimpleTest: test, name: file.Name + "/" + section.Name + "/" + test.Name})
			}
		}
	}
	return out
}

// A part of a case's text has a value that a column can hold.
type part struct {
	start, end int    // in code points
	typ        string // of the columns that can hold it
	value      any    // plain
	literal    bool   // not a list, a map or a call
}

// each is how many columns of a type there are.
const each = 8

// columnTypes are the types that parts become columns of, and their names.
var columnTypes = map[string]string{
	"string": "s", "int": "i", "double": "d", "bool": "b", "timestamp": "t", "list(string)": "ls", "list(int)": "li", "list(double)": "ld", "list(bool)": "lb",
	"list(list(int))": "ll", "map(string)": "ms", "map(int)": "mi", "map(double)": "md", "map(bool)": "mb",
}

// A lifting makes columns of literals.
type lifting struct {
	parser   *parser.Parser
	schema   offer.Schema
	env      *predicate.Env
	pool     map[string][]any // all cases' values, by type
	compared tally
	short    bool // only with everything lifted

	lifted, vectorised, expressions int
	others                          []string // cases of another result
}

func newLifting(t *testing.T) *lifting {
	p, err := parser.NewParser(parser.Macros(parser.AllMacros...), parser.EnableOptionalSyntax(true))
	if err != nil {
		t.Fatal(err)
	}
	l := &lifting{parser: p, pool: map[string][]any{}, short: testing.Short()}
	for _, typ := range sortedTypes() {
		parsed, err := offer.ParseType(typ)
		if err != nil {
			t.Fatal(err)
		}
		for i := range each {
			l.schema = append(l.schema, offer.Field{Name: fmt.Sprintf("%s%d", columnTypes[typ], i), Type: parsed})
		}
	}
	l.env = predicate.OfferEnv(l.schema, predicate.OfferOptions{})
	return l
}

func sortedTypes() []string {
	var out []string
	for typ := range columnTypes {
		out = append(out, typ)
	}
	slices.Sort(out)
	return out
}

// collect finds a case's parts and puts their values with all others.
func (l *lifting) collect(c *specified) {
	tree, errs := l.parser.Parse(common.NewTextSource(c.Expr))
	if len(errs.GetErrors()) > 0 {
		return
	}
	text, ranges := []rune(c.Expr), tree.SourceInfo().OffsetRanges()
	seen := map[int]bool{}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		span, ok := ranges[e.ID()]
		if !ok || seen[int(span.Start)] {
			return
		}
		if p, ok := l.partAt(text, int(span.Start), int(span.Stop), e); ok {
			seen[p.start] = true
			c.parts = append(c.parts, p)
		}
	}))
	slices.SortFunc(c.parts, func(a, b part) int { return a.start - b.start })
	for _, p := range c.parts {
		l.pool[p.typ] = append(l.pool[p.typ], p.value)
	}
}

// partAt finds the text of a node, which reads as it does.
func (l *lifting) partAt(text []rune, start, stop int, e ast.Expr) (part, bool) {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "timestamp" {
		if start -= len("timestamp"); start < 0 {
			return part{}, false
		}
	} else if e.Kind() != ast.LiteralKind && e.Kind() != ast.ListKind && e.Kind() != ast.MapKind {
		return part{}, false
	}
	typ, value, ok := constantOf(e)
	if !ok {
		return part{}, false
	}
	for end := range ends(text, start, stop, e) {
		read, errs := l.parser.Parse(common.NewTextSource(string(text[start:end])))
		if len(errs.GetErrors()) == 0 && ast.EquivExpr(read.Expr(), e) {
			return part{start: start, end: end, typ: typ, value: value, literal: e.Kind() == ast.LiteralKind}, true
		}
	}
	return part{}, false
}

// ends are where the text of a node may end: a literal's with its first token, or
// anywhere, the longest first, of others where as many brackets close as open.
func ends(text []rune, start, stop int, e ast.Expr) iter.Seq[int] {
	return func(yield func(int) bool) {
		if e.Kind() == ast.LiteralKind {
			if stop <= len(text) && !yield(stop) {
				return
			}
			for end := min(len(text), start+12+10*len(fmt.Sprint(e.AsLiteral().Value()))); end > start; end-- {
				if text[end-1] != ' ' && !yield(end) {
					return
				}
			}
			return
		}
		open := 0
		for i, c := range text[start:] {
			switch c {
			case '(', '[', '{':
				open++
			case ')', ']', '}':
				if open--; open == 0 && !yield(start+i+1) {
					return
				}
			}
		}
	}
}

// constantOf returns the plain value of literals, lists and maps of them, and
// timestamps.
func constantOf(e ast.Expr) (typ string, value any, ok bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		return scalarOf(e.AsLiteral())
	case ast.CallKind:
		args := e.AsCall().Args()
		if e.AsCall().FunctionName() != "timestamp" || len(args) != 1 || args[0].Kind() != ast.LiteralKind {
			return "", nil, false
		}
		v, isTime := args[0].AsLiteral().ConvertToType(types.TimestampType).(types.Timestamp)
		if !isTime || v.Nanosecond()%1000 != 0 {
			return "", nil, false
		}
		return "timestamp", v.UTC(), true
	case ast.ListKind:
		return listOf(e.AsList().Elements())
	case ast.MapKind:
		return mapOf(e.AsMap().Entries())
	default:
		return "", nil, false
	}
}

func scalarOf(v ref.Val) (string, any, bool) {
	switch v := v.(type) {
	case types.String:
		return "string", string(v), true
	case types.Int:
		return "int", int64(v), true
	case types.Double:
		return "double", float64(v), true
	case types.Bool:
		return "bool", bool(v), true
	default:
		return "", nil, false
	}
}

func listOf(elems []ast.Expr) (string, any, bool) {
	typ, values := "", []any{}
	for _, e := range elems {
		t, v, ok := constantOf(e)
		if !ok || typ != "" && t != typ {
			return "", nil, false
		}
		typ, values = t, append(values, v)
	}
	typ = "list(" + typ + ")"
	return typ, values, columnTypes[typ] != ""
}

func mapOf(entries []ast.EntryExpr) (string, any, bool) {
	typ, values := "", map[string]any{}
	for _, e := range entries {
		m := e.AsMapEntry()
		_, k, ok := constantOf(m.Key())
		key, isText := k.(string)
		t, v, isConstant := constantOf(m.Value())
		if _, twice := values[key]; !ok || !isText || !isConstant || twice || typ != "" && t != typ {
			return "", nil, false
		}
		typ, values[key] = t, v
	}
	typ = "map(" + typ + ")"
	return typ, values, columnTypes[typ] != ""
}

// visit compares a case with all its scalars as columns, with lists, maps and
// times as columns too, and with each part alone.
func (l *lifting) visit(t *testing.T, c *specified) {
	var scalars, wholes []part
	end := 0
	for _, p := range c.parts {
		if p.literal {
			scalars = append(scalars, p)
		}
		if p.start >= end { // not inside of another
			wholes, end = append(wholes, p), p.end
		}
	}
	variants := [][]part{scalars, wholes}
	for _, p := range c.parts {
		if !l.short {
			variants = append(variants, []part{p})
		}
	}
	lifted, vectorised, seen := false, false, map[string]bool{}
	for _, parts := range variants {
		text, values, ok := l.lift(c, parts)
		if !ok || seen[text] {
			continue
		}
		seen[text] = true
		checks, slow := l.compare(t, c, text, values)
		lifted, vectorised = lifted || checks, vectorised || checks && !slow
	}
	if lifted {
		l.lifted++
	}
	if vectorised {
		l.vectorised++
	}
}

// lift puts columns in place of parts; values are those of the case by column.
func (l *lifting) lift(c *specified, parts []part) (string, map[string]any, bool) {
	if len(parts) == 0 || len(c.Bindings) > 0 {
		return "", nil, false
	}
	text, values, used := []rune(c.Expr), map[string]any{}, map[string]int{}
	var out strings.Builder
	at := 0
	for _, p := range parts {
		name := fmt.Sprintf("%s%d", columnTypes[p.typ], used[p.typ])
		if used[p.typ]++; used[p.typ] >= each { // the last is for what is wanted
			return "", nil, false
		}
		values[name] = p.value
		out.WriteString(string(text[at:p.start]) + "offer." + name)
		at = p.end
	}
	out.WriteString(string(text[at:]))
	return out.String(), values, true
}

// compare compares a lifted case's outcomes; checks is false if the checker
// refuses it, slow says that a part of it is not vectorised.
func (l *lifting) compare(t *testing.T, c *specified, text string, values map[string]any) (checks, slow bool) {
	value, mistakes := l.env.Value(diag.Plain(text))
	if mistakes != nil {
		return false, false
	}
	text, wanted := l.condition(c, value, text, values)
	x, mistakes := l.env.Predicate(diag.Plain(text))
	if mistakes != nil {
		return false, false
	}
	program := Compile([]*predicate.Expr{x})
	slow = len(program.Slow()) > 0
	l.compared.count(program)
	l.expressions++
	d := dice{rand.New(rand.NewPCG(uint64(l.expressions), 4))}
	batch := l.batch(t, d, values)
	same(t, c.name, []*predicate.Expr{x}, program, batch, d, &l.compared)
	if got := outcomes([]*predicate.Expr{x}, batch)[0][0]; wanted && got != wants(c) && !slices.Contains(l.others, c.name) {
		l.others = append(l.others, c.name)
		t.Logf("%s: %s is %v", c.name, text, got)
	}
	return true, slow
}

// condition makes a condition of a value of any type; wanted says that it is as
// true as the case wants.
func (l *lifting) condition(c *specified, x *predicate.Expr, text string, values map[string]any) (string, bool) {
	typ, known := x.Type()
	isError := c.GetEvalError() != nil
	if known && typ.Kind == offer.Bool {
		return text, isError || c.GetValue() != nil || c.ResultMatcher == nil
	}
	if known {
		if name := columnTypes[typ.String()]; name != "" && typ.Kind < offer.List {
			name += fmt.Sprint(each - 1)
			value, ok := plainOf(c)
			values[name] = value
			return "(" + text + ") == offer." + name, isError || ok
		}
		if typ.Kind == offer.List || typ.Kind == offer.Map {
			return "size(" + text + ") > 1", isError
		}
	}
	return "dyn(" + text + ") == dyn(offer.i0)", isError
}

// plainOf is the scalar that a case wants.
func plainOf(c *specified) (any, bool) {
	switch v := c.GetValue().GetKind().(type) {
	case *expr.Value_StringValue:
		return v.StringValue, true
	case *expr.Value_Int64Value:
		return v.Int64Value, true
	case *expr.Value_DoubleValue:
		return v.DoubleValue, v.DoubleValue == v.DoubleValue
	default:
		return nil, false
	}
}

// wants is what a condition made of a case should say of its own values.
func wants(c *specified) predicate.Outcome {
	if c.GetEvalError() != nil {
		return predicate.Failed
	}
	if v, isBool := c.GetValue().GetKind().(*expr.Value_BoolValue); isBool && !v.BoolValue {
		return predicate.False
	}
	return predicate.True
}

// batch has a case's values in its first row, nulls in the second, and any values
// in the others.
func (l *lifting) batch(t *testing.T, d dice, values map[string]any) arrow.RecordBatch {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	fields := l.schema.Arrow().Fields()
	var used []arrow.Field
	var columns []arrow.Array
	for i, f := range l.schema {
		v, isUsed := values[f.Name]
		if !isUsed && f.Name != "i0" {
			continue
		}
		used = append(used, fields[i])
		b := array.NewBuilder(mem, fields[i].Type)
		put(t, b, v)
		b.AppendNull()
		pool := l.pool[f.Type.String()]
		for range liftedRows - 2 {
			v := v
			if len(pool) > 0 && d.IntN(3) > 0 {
				v = pool[d.IntN(len(pool))]
			}
			if d.IntN(6) == 0 {
				v = nil
			}
			put(t, b, v)
		}
		columns = append(columns, b.NewArray())
		b.Release()
	}
	out := array.NewRecordBatch(arrow.NewSchema(used, nil), columns, liftedRows)
	for _, c := range columns {
		c.Release()
	}
	t.Cleanup(func() { out.Release(); mem.AssertSize(t, 0) })
	return out
}

// put appends a plain value.
func put(t *testing.T, b array.Builder, v any) {
	t.Helper()
	switch v := v.(type) {
	case nil:
		b.AppendNull()
	case string:
		b.(*array.StringBuilder).Append(v)
	case int64:
		b.(*array.Int64Builder).Append(v)
	case float64:
		b.(*array.Float64Builder).Append(v)
	case bool:
		b.(*array.BooleanBuilder).Append(v)
	case time.Time:
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(v.UnixMicro()))
	case []any:
		list := b.(*array.ListBuilder)
		list.Append(true)
		for _, elem := range v {
			put(t, list.ValueBuilder(), elem)
		}
	case map[string]any:
		m := b.(*array.MapBuilder)
		m.Append(true)
		for key, value := range v {
			m.KeyBuilder().(*array.StringBuilder).Append(key)
			put(t, m.ItemBuilder(), value)
		}
	default:
		t.Fatalf("a %T", v)
	}
}
