package predicate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
)

// TestAgainstCEL evaluates random expressions on random rows with nulls, also of
// sliced arrays, with our nodes and with cel-go's plain program: both err, or
// both give the same value.
func TestAgainstCEL(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := &generator{rand.New(rand.NewPCG(seed, 0))}
	env := OfferEnv(offers(t), OfferOptions{Now: true})
	rows := randomRows(t, g, 70)
	now := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	values := 0
	for range 1500 {
		text := g.of([]string{"bool", "bool", "double", "int", "string", "list", "time"}[g.IntN(7)], 4)
		_, checked := mustCheck(t, env, text)
		x := env.plan(text, checked)
		program, err := env.cel.PlanProgram(checked)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for range 8 {
			v := Vars{Offer: Row{rows, g.IntN(int(rows.record.NumRows()))}, Now: now}
			got := x.run(&v)
			want, _, err := program.Eval(map[string]any{"offer": rows.view(env.structs["@offer"]).value(v.Offer.Index), "now": now})
			if (err != nil) != types.IsError(got) || err == nil && !identical(got, want) {
				t.Fatalf("%s, row %d: got %v, cel-go says %v, %v", text, v.Offer.Index, got, want, err)
			}
			if err == nil {
				values++
			}
		}
	}
	if values < 3000 {
		t.Errorf("only %d of the results are values", values)
	}
}

func mustCheck(t *testing.T, env *Env, text string) (*tree, *ast.AST) {
	t.Helper()
	d := diag.Plain(text)
	tree, mistakes := env.parse(&d)
	if tree == nil {
		t.Fatalf("%s: %v", text, mistakes)
	}
	checked, mistakes := env.check(tree)
	if len(mistakes) > 0 {
		t.Fatalf("%s: %v", text, mistakes)
	}
	return tree, checked
}

// A generator makes expressions that check.
type generator struct{ *rand.Rand }

func (g *generator) pick(texts ...string) string { return texts[g.IntN(len(texts))] }

// of makes an expression of a type. $b, $d, $i, $s, $l, $t stand for smaller
// ones of a bool, double, int, string, list of strings and time.
func (g *generator) of(typ string, depth int) string {
	leaves := map[string][]string{
		"bool":   {"offer.flag", "true", "false", "has(offer.price)", "has(offer.shop.rating)", "has(offer.tags)", "offer.shop == null", `"color" in offer.attrs`},
		"double": {"offer.price", "offer.msrp", "offer.eur", "offer.shop.rating", "1.5", "0.0", "offer.weights.net", "offer.scores[0]"},
		"int":    {"offer.stock", "offer.sold", "offer.shop.home.zip", "3", "0", "-1", "offer.counts[1]"},
		"string": {"offer.name", "offer.code", "offer.shop.name", `"new"`, `""`, `"é"`, "offer.attrs.color", `offer.attrs["size"]`, "offer.tags[0]"},
		"list":   {"offer.tags", "offer.shop.tags", `["x"].filter(x, false)`, `["new", "hot"]`},
		"time":   {"offer.seen", "offer.day", "now", `timestamp("2026-01-15T00:00:00Z")`},
	}
	inner := map[string][]string{
		"bool": {"$b && $b", "$b || $b", "!$b", "$b && $b && $b", "$d > $d", "$d <= $d", "$d == $d", "$i != $i", "$i < $i", "$s == $s", "$s < $s",
			"$s.contains($s)", "$s.startsWith($s)", `$s.matches("^[a-n]")`, "$s in $l", `$s in ["new", "hot", "P1"]`, "$l.exists(x, x == $s)", "$l.all(x, x.size() > 1)",
			"$l.exists_one(x, x == $s)", "$b ? $b : $b", "$t < $t", "$t == $t", "offer.price == null", "offer.name != null", "offer.prices.exists(p, p.gross > $d)",
			"offer.prices.all(p, has(p.since) || p.gross < $d)", `offer.prices.exists(p, p.currency == "EUR" && p.gross == $d)`, "$i in offer.counts", "$d in [1.5, $d]",
			"offer.?price.hasValue()", "$d == 12", "$d > 3"},
		"double": {"$d + $d", "$d - $d", "$d * $d", "$d / $d", "-$d", "double($i)", "$b ? $d : $d", "offer.?price.orValue($d)", "math.greatest($d, $d)", "$d * 2", "sum(offer.scores)",
			"double($s)", "first(offer.scores)", "avg(offer.scores + [$d])", "max($d, $d)", "round($d, 1)", "first(offer.prices.filter(p, p.gross > $d)).gross"},
		"int": {"$i + $i", "$i - $i", "$i * $i", "$i / $i", "$i % $i", "-$i", "int($d)", "int($s)", "$s.size()", "size($l)", "$b ? $i : $i", "$t.getMonth()", "count($l)", "$s.indexOf($s)",
			"size(offer.prices.map(p, p.currency))", "offer.grid.map(g, size(g))[0]", "sum(offer.counts)"},
		"string": {"$s + $s", "string($d)", "string($i)", "$s.lowerAscii()", "$s.substring($i)", "$b ? $s : $s", "$l[$i]", "first($l)", "$l.join($s)", "$s.trim()", `$s.replace("e", $s)`,
			"offer.?name.orValue($s)", "offer.shop.?home.?city.orValue($s)", "$s.split($s)[0]", "min($s, $s)"},
		"list": {"$l + $l", "$l.filter(x, x != $s)", "$l.map(x, x + $s)", "[$s, $s]", "$s.split($s)", "offer.prices.map(p, p.currency)", "$l.filter(x, $b)", "$b ? $l : $l", "[?offer.?name, $s]",
			"offer.attrs.map(k, k).sort()", "$l.map(x, x.size() > 1, x)"},
		"time": {`$t + duration("1h")`, "timestamp($s + offer.name)", "$b ? $t : $t", "first(offer.prices.map(p, p.since))"},
	}
	if depth == 0 || g.IntN(5) == 0 {
		return g.pick(leaves[typ]...)
	}
	names := map[byte]string{'b': "bool", 'd': "double", 'i': "int", 's': "string", 'l': "list", 't': "time"}
	var out strings.Builder
	for parts := g.pick(inner[typ]...); parts != ""; {
		before, after, found := strings.Cut(parts, "$")
		out.WriteString(before)
		if !found {
			break
		}
		out.WriteString("(" + g.of(names[after[0]], depth-1) + ")")
		parts = after[1:]
	}
	return out.String()
}

// randomRows makes a batch, of a slice of a longer record.
func randomRows(t *testing.T, g *generator, n int) *Batch {
	t.Helper()
	var rows []string
	for i := range n {
		rows = append(rows, g.object(offers(t), fmt.Sprintf("o%d", i)))
	}
	record := batchOf(t, offers(t), "["+strings.Join(rows, ",")+"]")
	sliced := record.NewSlice(3, int64(n-2))
	t.Cleanup(sliced.Release)
	return NewBatch(sliced)
}

func (g *generator) object(fields []offer.Field, id string) string {
	var members []string
	for _, f := range fields {
		value := g.value(f.Type)
		if f.Name == offer.Key && id != "" {
			value = fmt.Sprintf("%q", id)
		}
		members = append(members, fmt.Sprintf("%q: %s", f.Name, value))
	}
	return "{" + strings.Join(members, ", ") + "}"
}

func (g *generator) value(typ offer.Type) string {
	if g.IntN(4) == 0 {
		return "null"
	}
	switch typ.Kind {
	case offer.String:
		return g.pick(`"new"`, `"hot"`, `"Käse"`, `""`, `"P1"`, `"7"`, `"2.5"`, `"EUR"`)
	case offer.Bool:
		return g.pick("true", "false")
	case offer.Int:
		return g.pick("0", "1", "3", "-7", "9223372036854775807")
	case offer.Double:
		return g.pick("0", "1.5", "12", "-2.25", "1e300")
	case offer.Decimal:
		return g.pick(`"0.10"`, `"12.00"`, `"-3.05"`)
	case offer.Timestamp:
		return g.pick(`"2026-01-31T10:00:00Z"`, `"2025-12-01T00:00:00Z"`)
	case offer.Date:
		return g.pick(`"2026-01-31"`, `"2026-02-01"`)
	case offer.List:
		return "[" + g.several(func() string { return g.value(*typ.Elem) }) + "]"
	case offer.Map:
		keys := []string{"color", "size", "net"}
		i := 0
		return "[" + g.several(func() string {
			i++
			return fmt.Sprintf(`{"key": %q, "value": %s}`, keys[i-1], g.value(*typ.Elem))
		}) + "]"
	default:
		return g.object(typ.Fields, "")
	}
}

func (g *generator) several(one func() string) string {
	texts := make([]string, g.IntN(4))
	for i := range texts {
		texts[i] = one()
	}
	return strings.Join(texts, ", ")
}

// TestPathAgainstCEL reads every chain of the schema without CEL and with
// cel-go's program.
func TestPathAgainstCEL(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := &generator{rand.New(rand.NewPCG(seed, 1))}
	env := OfferEnv(offers(t), OfferOptions{})
	rows := randomRows(t, g, 40)
	for _, text := range chainsOf("offer", offers(t)) {
		x := mustValue(t, env, text)
		if x.chain == nil {
			t.Fatalf("%s does not take the fast path", text)
		}
		_, checked := mustCheck(t, env, text)
		program, err := env.cel.PlanProgram(checked)
		if err != nil {
			t.Fatal(err)
		}
		for i := range int(rows.record.NumRows()) {
			got, gotErr := x.Eval(&Vars{Offer: Row{rows, i}})
			want, wantErr := plainCEL(program, map[string]any{"offer": rows.view(env.structs["@offer"]).value(i)})
			if (gotErr != nil) != (wantErr != nil) {
				t.Fatalf("%s, row %d: error %v, cel-go's %v", text, i, gotErr, wantErr)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); gotErr == nil && diff != "" {
				t.Fatalf("%s, row %d (-cel-go +got):\n%s", text, i, diff)
			}
		}
	}
}

func plainCEL(program cel.Program, vars map[string]any) (any, error) {
	v, _, err := program.Eval(vars)
	if err != nil {
		return nil, err
	}
	return plain(v)
}

// chainsOf are the chains to every column, field and some keys.
func chainsOf(prefix string, fields []offer.Field) []string {
	chains := []string{prefix}
	for _, f := range fields {
		chain := prefix + "." + f.Name
		switch f.Type.Kind {
		case offer.Struct:
			chains = append(chains, chainsOf(chain, f.Type.Fields)...)
		case offer.Map:
			chains = append(chains, chain, chain+".color", chain+`["no such"]`)
		default:
			chains = append(chains, chain)
		}
	}
	return chains
}

// TestRowPathAgainstNodes reads chains of dynamic rows in the two ways that we
// have: by walking plain values, and by nodes that select from CEL's.
func TestRowPathAgainstNodes(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := &generator{rand.New(rand.NewPCG(seed, 2))}
	env := RowEnv(RowShape{})
	for range 400 {
		names := g.several(func() string { return g.pick(".a", ".b", `["c.d"]`) })
		names = strings.ReplaceAll(names, ", ", "")
		fast, slow := mustValue(t, env, "row"+names), mustValue(t, env, "dyn(row)"+names)
		hasFast, hasSlow := mustValue(t, env, "has(row"+names+".a)"), mustValue(t, env, "has(dyn(row)"+names+".a)")
		for range 5 {
			v := &Vars{Row: g.plain(3)}
			got, gotErr := fast.Eval(v)
			want, wantErr := slow.Eval(v)
			if diff := cmp.Diff(want, got); diff != "" || (gotErr != nil) != (wantErr != nil) {
				t.Fatalf("row%s of %v: %v, %v; by nodes %v, %v", names, v.Row, got, gotErr, want, wantErr)
			}
			got, gotErr = hasFast.Eval(v)
			want, wantErr = hasSlow.Eval(v)
			if got != want || (gotErr != nil) != (wantErr != nil) {
				t.Fatalf("%s of %v: %v, %v; by nodes %v, %v", hasFast.Text(), v.Row, got, gotErr, want, wantErr)
			}
		}
	}
}

func (g *generator) plain(depth int) any {
	if depth == 0 || g.IntN(6) == 0 {
		return []any{nil, "x", int64(1), 2.5, true, []any{"y"}}[g.IntN(6)]
	}
	fields := map[string]any{}
	for _, name := range []string{"a", "b", "c.d"} {
		if g.IntN(4) > 0 {
			fields[name] = g.plain(depth - 1)
		}
	}
	return fields
}

// TestNarrowColumns reads ints and floats of every width, other texts and units
// of time.
func TestNarrowColumns(t *testing.T) {
	schema := schemaOf(t, "i8 int", "i16 int", "i32 int", "u8 int", "u16 int", "u32 int", "f32 double", "large string", "ms timestamp", "lists list(int)", "wrong int")
	fields := []arrow.Field{
		{Name: "u8", Type: arrow.PrimitiveTypes.Uint8}, {Name: "i8", Type: arrow.PrimitiveTypes.Int8}, {Name: "i16", Type: arrow.PrimitiveTypes.Int16},
		{Name: "i32", Type: arrow.PrimitiveTypes.Int32}, {Name: "u16", Type: arrow.PrimitiveTypes.Uint16}, {Name: "u32", Type: arrow.PrimitiveTypes.Uint32},
		{Name: "f32", Type: arrow.PrimitiveTypes.Float32}, {Name: "large", Type: arrow.BinaryTypes.LargeString},
		{Name: "ms", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}}, {Name: "lists", Type: arrow.LargeListOf(arrow.PrimitiveTypes.Int16)},
		{Name: "wrong", Type: arrow.BinaryTypes.String}, {Name: "more", Type: arrow.BinaryTypes.String},
	}
	rows := `[{"i8": -128, "i16": -32768, "i32": 7, "u8": 255, "u16": 65535, "u32": 4294967295, "f32": 0.1, "large": "x", "ms": "2026-01-31T10:00:00.5Z", "lists": [1, 2]}, {}]`
	record, _, err := array.RecordFromJSON(checkedAllocator(t), arrow.NewSchema(fields, nil), strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(record.Release)
	env, b := OfferEnv(append(schema, offer.Field{Name: "lost"}), OfferOptions{}), NewBatch(record)
	for _, c := range []struct {
		text string
		want any
	}{
		{`offer.i8`, int64(-128)}, {`offer.i16`, int64(-32768)}, {`offer.i32`, int64(7)}, {`offer.u8`, int64(255)}, {`offer.u16`, int64(65535)},
		{`offer.u32 + 1`, int64(4294967296)}, {`offer.f32`, float64(float32(0.1))}, {`offer.large + "y"`, "xy"},
		{`offer.ms`, time.Date(2026, 1, 31, 10, 0, 0, 500_000_000, time.UTC)}, {`offer.lists`, []any{int64(1), int64(2)}}, {`sum(offer.lists)`, int64(3)},
		{`offer.wrong`, failure("a utf8 column stands where int is expected")},
		{`offer.wrong + 1`, failure("a utf8 column stands where int is expected")},
		{`offer.lost`, failure("the rows have no column offer.lost")},
		{`offer.lost == ""`, failure("the rows have no column offer.lost")},
	} {
		x := mustValue(t, env, c.text)
		check(t, x, &Vars{Offer: Row{b, 0}}, c.want)
		if _, bad := c.want.(failure); !bad && c.text != `offer.lists` && c.text != `sum(offer.lists)` {
			check(t, x, &Vars{Offer: Row{b, 1}}, nil)
		}
	}
}
