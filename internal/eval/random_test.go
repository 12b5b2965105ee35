package eval

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/offer"
)

// market is a schema with a column of every type.
func market(t testing.TB) offer.Schema {
	t.Helper()
	var schema offer.Schema
	for _, c := range []string{
		"id string", "name string", "code string", "flag bool", "sold bool", "stock int", "size int", "price double", "msrp double",
		"eur decimal(12,2)", "seen timestamp", "day date", "tags list(string)", "scores list(double)", "counts list(int)", "flags list(bool)",
		"attrs map(string)", "weights map(double)", "shop struct{name: string, rating: double, tags: list(string), attrs: map(string), home: struct{city: string, zip: int}}",
		"prices list(struct{currency: string, gross: double, since: timestamp, tags: list(string), home: struct{city: string}})", "grid list(list(int))",
	} {
		name, text, _ := strings.Cut(c, " ")
		typ, err := offer.ParseType(text)
		if err != nil {
			t.Fatal(err)
		}
		schema = append(schema, offer.Field{Name: name, Type: typ})
	}
	return schema
}

// A dice makes random expressions that check, and random batches.
type dice struct{ *rand.Rand }

func (d dice) pick(texts ...string) string { return texts[d.IntN(len(texts))] }

// leaves are expressions by type; inner holds smaller ones: $b a bool, $d a
// double, $i an int, $s a string, $l a list of strings, $t a time, $u a duration.
// $B and the like are leaves, $C a text constant, $D a double, $I an int.
var leaves = map[string][]string{
	"bool": {"offer.flag", "offer.sold", "has(offer.price)", "has(offer.shop.rating)", "has(offer.tags)", "has(offer.shop)", "has(offer.shop.tags)", "has(offer.attrs.color)",
		"has(offer.weights.net)", "has(offer.shop.home)", "has(offer.shop.attrs.size)", "offer.shop == null", `"color" in offer.attrs`, `"size" in offer.shop.attrs`, "true", "false", "offer.flags[0]"},
	"double": {"offer.price", "offer.msrp", "offer.eur", "offer.shop.rating", "offer.price", "offer.eur", "1.5", "0.0", "offer.weights.net", "offer.scores[0]", "(0.0 / 0.0)", "avg(offer.scores)"},
	"int":    {"offer.stock", "offer.size", "offer.shop.home.zip", "offer.stock", "3", "0", "-1", "offer.counts[1]", "size(offer.tags)", "size(offer.name)", "size(offer.attrs)", "9223372036854775807", "offer.grid[0][0]"},
	"string": {"offer.name", "offer.code", "offer.shop.name", "offer.name", `"new"`, `""`, `"é"`, "offer.attrs.color", `offer.attrs["size"]`, "offer.tags[0]", "offer.shop.home.city", "offer.shop.attrs.color", "first(offer.prices).currency", "first(offer.prices).home.city"},
	"list":   {"offer.tags", "offer.shop.tags", "offer.tags", `["x"].filter(x, false)`, `["new", "hot"]`, "offer.prices[0].tags", "first(offer.prices).tags"},
	"time":   {"offer.seen", "offer.day", "now", `timestamp("2026-01-15T00:00:00Z")`, `timestamp("2026-01-31T10:00:00.000000001Z")`, "offer.prices[0].since"},
	"span":   {`duration("1h")`, `duration("-36h")`, "(now - offer.seen)", `duration("1ns")`},
}

var inner = map[string][]string{
	"bool": {"$b && $b", "$b || $b", "!$b", "$b && $b && $b", "$b || $b && $b", "$D > $d", "$D <= $d", "$D == $d", "$I != $i", "$I < $i", "$s == $s", "$s < $s", "$b == $b", "$b != $b",
		"$S == $C", "$S != $C", "$S.contains($C)", "$S.startsWith($C)", "$S.endsWith($C)", "$S in [$C, $C]", "$S < $C", "$C <= $S", "!($S in [$C, $C, $C])", "$S.contains($C) && $S.contains($C)",
		"$D > $N", "$D <= $N", "$N < $D", "$D == $N", "$D != $N", "$D in [$N, $N]", "$I > $M", "$I == $M", "$I in [$M, $M]", "$M >= $I", "$I < $N", "$D < $M",
		"$s.contains($s)", "$s.startsWith($s)", `$s.matches("^[a-n]")`, `$S.matches("(?i)h.t|n[ew]+")`, "$s in $l", `$s in ["new", "hot", "P1"]`, "$l.exists(x, x == $s)", "$l.all(x, x.size() > 1)",
		"$l.exists_one(x, x == $s)", "$b ? $b : $b", "$t < $t", "$t == $t", "$T >= $t", "$u < $u", "$u == $u", "offer.price == null", "offer.name != null", "$d == null", "$s == null", "$b == null",
		"offer.prices.exists(p, p.gross > $d)", "offer.prices.all(p, has(p.since) || p.gross < $d)", `offer.prices.exists(p, p.currency == "EUR" && p.gross == $d)`,
		"offer.prices.exists(p, p.tags.exists(x, x == p.currency))", "offer.prices.exists(p, offer.tags.exists(x, x == p.currency))", "offer.prices.exists(p, p.currency in offer.tags)",
		"offer.prices.exists(p, p.home.city == $S)", "offer.tags.exists(x, offer.tags.exists(y, x < y))", "offer.tags.exists(x, $l.exists(y, x == y && $b))",
		`offer.tags.exists(x, x in ["new", "hot"])`, `!offer.tags.exists(x, x == $C)`, "offer.scores.exists(x, x > $N)", "offer.counts.all(x, x < $M)", "offer.flags.exists(x, x)", "offer.flags.all(x, !x || $b)",
		"$I in offer.counts", "$i in offer.counts", "$d in offer.scores", "$d in [1.5, $d]", "offer.grid.exists(g, g.exists(x, x > $M))", "offer.grid.all(g, size(g) > 1 || $I in g)",
		"offer.?price.hasValue()", "$d == 12", "$d > 3", "coalesce($b, $b)", "$t.getMonth() == $M", `$t > timestamp("2026-01-15T00:00:00Z")`, "offer.day <= now", "offer.shop.home == null",
		"offer.prices.filter(p, p.gross > $N).exists(p, p.currency == $C)", "$l.map(x, x + $s).exists(x, x == $C)", "$l.filter(x, x > $C).all(x, $b)", "$d / $d > $d", "$i / $i > $i", "1 / $I > 0"},
	"double": {"$d + $d", "$d - $d", "$d * $d", "$d / $d", "-$d", "double($i)", "$b ? $d : $d", "offer.?price.orValue($d)", "math.greatest($d, $d)", "$d * 2", "sum(offer.scores)",
		"double($s)", "first(offer.scores)", "avg(offer.scores + [$d])", "max($d, $d)", "min($d, $d, $d)", "round($d, 1)", "first(offer.prices.filter(p, p.gross > $d)).gross", "coalesce($d, $d)", "coalesce($d, 0)",
		"max(offer.scores)", "min(offer.prices.map(p, p.gross))", "avg(offer.counts)", "sum(offer.prices.map(p, p.gross * $d))"},
	"int": {"$i + $i", "$i - $i", "$i * $i", "$i / $i", "$i % $i", "-$i", "int($d)", "int($s)", "$s.size()", "size($l)", "$b ? $i : $i", "$t.getMonth()", "count($l)", "$s.indexOf($s)",
		"size(offer.prices.map(p, p.currency))", "offer.grid.map(g, size(g))[0]", "sum(offer.counts)", "coalesce($i, $i)", "min(offer.counts)", "max($i, $i)", "offer.counts[$i]", "count(offer.scores)", "size(offer.tags.filter(x, x == $s))"},
	"string": {"$s + $s", "string($d)", "string($i)", "$s.lowerAscii()", "$s.upperAscii()", "$s.substring($i)", "$b ? $s : $s", "$l[$i]", "first($l)", "$l.join($s)", "$s.trim()", `$s.replace("e", $s)`,
		"offer.?name.orValue($s)", "offer.shop.?home.?city.orValue($s)", "$s.split($s)[0]", "min($s, $s)", "coalesce($s, $s)", "max($l)", "string($b)", "first(offer.prices.filter(p, p.currency != $S)).currency"},
	"list": {"$l + $l", "$l.filter(x, x != $s)", "$l.map(x, x + $s)", "[$s, $s]", "$s.split($s)", "offer.prices.map(p, p.currency)", "$l.filter(x, $b)", "$b ? $l : $l", "[?offer.?name, $s]",
		"$l.map(x, x.size() > 1, x)", "$l.map(x, x.size() > 1, x + $s)", "offer.prices.filter(p, p.gross > $d).map(p, p.currency)"},
	"time": {"$t + $u", "timestamp($s + offer.name)", "$b ? $t : $t", "first(offer.prices.map(p, p.since))", "coalesce($t, $t)", "max($t, $t)", "$t - $u"},
	"span": {"$u + $u", "$t - $t", "$b ? $u : $u", "coalesce($u, $u)"},
}

var typeNames = map[byte]string{'b': "bool", 'd': "double", 'i': "int", 's': "string", 'l': "list", 't': "time", 'u': "span"}

// of makes an expression of a type.
func (d dice) of(typ string, depth int) string {
	if depth == 0 || d.IntN(6) == 0 {
		return d.pick(leaves[typ]...)
	}
	var out strings.Builder
	for parts := d.pick(inner[typ]...); parts != ""; {
		before, after, found := strings.Cut(parts, "$")
		out.WriteString(before)
		if !found {
			break
		}
		switch c := after[0]; c {
		case 'C':
			out.WriteString(d.pick(`"new"`, `"hot"`, `"P1"`, `"e"`, `""`, `"é"`, `"ew"`, `"Käse"`, `"EUR"`, `"7"`, `"\u00e9t\u00e9"`))
		case 'N':
			out.WriteString(d.pick("0.0", "1.5", "12", "-2.25", "12.0", "-0.0", "1e300", "0.1", "3", "9223372036854775807.0"))
		case 'M':
			out.WriteString(d.pick("0", "1", "3", "-7", "9223372036854775807", "-9223372036854775808", "2"))
		case 'D', 'I', 'S', 'B', 'T':
			out.WriteString("(" + d.of(typeNames[c+32], d.IntN(2)*(depth-1)) + ")")
		default:
			out.WriteString("(" + d.of(typeNames[c], depth-1) + ")")
		}
		parts = after[1:]
	}
	return out.String()
}

// batch makes a slice of random rows.
func (d dice) batch(t testing.TB, schema offer.Schema, rows int) arrow.RecordBatch {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	b := array.NewRecordBuilder(mem, schema.Arrow())
	before, after := d.IntN(70), d.IntN(3)
	nulls := d.IntN(5)
	for i, f := range schema {
		for range before + rows + after {
			d.fill(b.Field(i), f.Type, nulls)
		}
	}
	whole := b.NewRecordBatch()
	b.Release()
	slice := whole.NewSlice(int64(before), int64(before+rows))
	whole.Release()
	t.Cleanup(func() { slice.Release(); mem.AssertSize(t, 0) })
	return slice
}

// fill appends a random value; one of some is null, none if nulls is 0.
func (d dice) fill(b array.Builder, typ offer.Type, nulls int) {
	if nulls > 0 && d.IntN(6) < nulls-1 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(d.pick("new", "hot", "Käse", "", "P1", "7", "2.5", "EUR", "e", "\xff\xfeew", "été", "NEW", "x new hot", "true"))
	case *array.BooleanBuilder:
		b.Append(d.IntN(2) == 0)
	case *array.Int64Builder:
		b.Append([]int64{0, 1, 2, 3, -7, math.MaxInt64, math.MinInt64, 1 << 53, 12}[d.IntN(9)])
	case *array.Float64Builder:
		b.Append([]float64{0, 1.5, 12, -2.25, 1e300, math.NaN(), math.Inf(1), math.Copysign(0, -1), 0.1, 3, 1 << 63}[d.IntN(11)])
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64([]int64{0, 10, 1200, -305, 150, 99999}[d.IntN(6)]))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp([]int64{0, 1769853600000000, 1768435200000000, -62135596800000000, math.MaxInt64, 1769853600000001, -1}[d.IntN(7)]))
	case *array.Date32Builder:
		b.Append([]arrow.Date32{0, 20484, 20485, -1, math.MaxInt32}[d.IntN(4)])
	case *array.MapBuilder:
		b.Append(true)
		for range d.IntN(4) {
			b.KeyBuilder().(*array.StringBuilder).Append(d.pick("color", "size", "net"))
			d.fill(b.ItemBuilder(), *typ.Elem, nulls)
		}
	case *array.ListBuilder:
		b.Append(true)
		for range d.IntN(4) {
			d.fill(b.ValueBuilder(), *typ.Elem, nulls)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i, f := range typ.Fields {
			d.fill(b.FieldBuilder(i), f.Type, nulls)
		}
	}
}
