package eval

import (
	"fmt"
	"slices"
	"strings"
)

// A grammar makes expressions over the bazaar: those of the dice, more, and loops
// whose bodies read the variables of all loops around them.
type grammar struct {
	dice
	scope []offering
	named *int // how many variables have names
}

// An offering is what a variable gives: expressions by type.
type offering map[string][]string

// moreLeaves and moreInner go with leaves and inner. Beside those letters $e is a
// list of doubles, $n one of ints, $p one of prices, $g one of stalls; $Z is a
// zone, $R a pattern, $K a key.
var moreLeaves = map[string][]string{
	"bool": {"offer.depot.inner.open", "has(offer.depot.inner.day)", "has(offer.depot.inner)", "has(offer.depot.levels)", "has(offer.stalls)", "has(offer.notes)", "has(offer.notes.net)", "has(offer.day)",
		"has(offer.eur)", "has(offer.end)", "has(offer.flag)", "has(offer.times)", "has(offer.grid)", "has(offer.big)", "has(first(offer.prices).since)", "has(offer.prices[0].home.city)", "has(offer.stalls[1].goods)",
		"has(first(offer.stalls).attrs)", "has(first(offer.stalls).attrs.color)", "has(offer.stalls[0].home)", `"" in offer.notes`, "offer.depot == null", "offer.depot.inner == null", "offer.stalls[0] == null",
		"first(offer.stalls) == null", "offer.tags == null", "offer.notes == null", "first(offer.flags)", "offer.stalls[0].open", "1 / 0 > 0", "offer.prices[9].gross > 0.0", "null == null"},
	"double": {"offer.ratio", "offer.ratio", "offer.weights[\"\"]", "offer.stalls[0].rent", "first(offer.stalls).rent", "first(first(offer.stalls).goods).net", "offer.sheets[0][0][0]", "first(first(offer.sheets)[0])",
		"sum(offer.amounts)", "max(offer.amounts)", "min(offer.amounts)", "avg(offer.amounts)", "first(offer.amounts)", "1e308 * 10.0", "-1.0 / 0.0", "9007199254740993.0", "-0.0", "first(offer.depot.inner.stalls).net"},
	"int": {"offer.big", "offer.big", "-9223372036854775808", "9007199254740993", "size(offer.stalls)", "size(offer.notes)", "size(offer.lines)", "offer.depot.levels[0]", "first(offer.stalls).floor", "offer.stalls[1].home.zip",
		"count(offer.days)", "count(offer.times)", "size(offer.depot.inner.stalls)", "2147483648", "first(first(offer.stalls).goods).stock", "1 / 0"},
	"string": {"offer.notes.net", `offer.notes[""]`, `offer.notes["é"]`, "first(offer.stalls).name", "offer.depot.name", "offer.stalls[0].home.city", "first(first(offer.stalls).goods).code", "offer.lines[0][0]", "first(first(offer.lines))",
		"max(offer.tags)", "min(offer.tags)", `"日本語"`, `"\x00"`, `"(a|b"`, `"Europe/Athens"`, `"-9223372036854775808"`, `"\U0001F469"`, "offer.stalls[0].attrs.color", "first(offer.depot.inner.stalls).code", "offer.prices[1].home.city"},
	"list": {"offer.lines[0]", "first(offer.lines)", "first(offer.stalls).tags", "first(first(offer.stalls).goods).marks", "offer.stalls[0].tags", `["é", "été", ""]`, "first(offer.depot.inner.stalls).marks"},
	"time": {"offer.end", "offer.end", "offer.times[0]", "first(offer.days)", "offer.depot.inner.day", "max(offer.times)", "min(offer.days)", "first(offer.stalls).since", `timestamp("0001-01-01T00:00:00Z")`,
		`timestamp("9999-12-31T23:59:59.999999999Z")`, `timestamp("2026-03-29T01:00:00Z")`, `timestamp("2026-10-25T02:30:00+02:00")`},
	"span":    {`duration("2562047h47m16.854775807s")`, `duration("-2562047h47m16.854775808s")`, `duration("0s")`, "(offer.end - offer.seen)", "(offer.seen - now)"},
	"doubles": {"offer.scores", "offer.amounts", "offer.sheets[0][0]", "first(first(offer.sheets))", "[1.0, 0.0, -0.0]"},
	"ints":    {"offer.counts", "offer.grid[0]", "first(offer.grid)", "offer.depot.levels", "[1, 2]"},
	"prices":  {"offer.prices"},
	"stalls":  {"offer.stalls"},
}

var moreInner = map[string][]string{
	"bool": {"$b && $b", "$b || $b", "$b || $b || $b || $b", "$b && ($b || !$b) && $b", "($b ? $b : $b) || $b", "!($b && $b)", "!($b || $b)", "$b ? $b : $b", "$b == $b", "(1 / $i > 0) || $b", "$b && (1 % $i == 0)", "($b && $b) == ($b || $b)",
		"$d == $i", "$i == $d", "$d < $i", "$i <= $d", "$i > $d", "$d >= $i", "$I < $N", "$I == $N", "$N <= $I", "$I in [$N, $M, 2u]", "$D in [$M, $N]", "$I in [$M, $N]", "$D in [1, 2.5, 3u]", "$I > 9007199254740992.0", "$I < 9223372036854775808u", "$d != $N",
		"$I in []", "$S in []", "$S in [$s, $C]", "$T in [$T, now]", "$t in [$t, $t]", "$t in offer.times", "[$t, $t].exists(x, x < $t)", "[$u, $u].exists_one(x, x > $u)", "$U in [$U, duration(\"1h\")]", "$B in [true, $b]", "$I in $n", "$D in $e", "$d in $n", "$i in $e", "$S in $l", "null in $l", "$B in offer.flags",
		"$t < $t", "$t >= $t", "$t == $t", "$t != $t", "$u <= $u", "$u != $u", "$T > now - $u", "$t.getHours($Z) == $M", "$t.getHours($Z) < $i", "$t.getDayOfYear($Z) > 100", "$T.getFullYear() == 2026", "$T.getDate($Z) == $i", "$t.getDayOfWeek($Z) in [0, 6]",
		"$t.getMinutes($Z) == 30", "$t.getMilliseconds() > $i", "$u.getHours() > $i", "$u.getSeconds() < $i", "$t.getHours($s) > 1",
		"$S.matches($R)", "$s.matches($R)", "$s.matches($s)", "$S.contains($S)", "$S.endsWith($s)", "$S > $C", "$S >= $C && $S < $C", "$s <= $s", "$S.charAt($i) == $C", "$s.reverse() == $s", "$S.size() > $M", "size($s) == size($S)",
		"$s.lowerAscii() == $C", "$s.indexOf($C) > $i", "$s.lastIndexOf($s) == $i", "$s.split($C).size() > 2", "$s.substring($i, $i) == $C", "$s.replace($C, $C, $i) == $s", "strings.quote($s) == $s", "math.isNaN($d)", "math.isInf($d)", "math.isFinite($d)",
		"$l == $l", "$e == $e", "size($l) > $i", "$l.exists_one(x, x == $C)", "has(offer.prices[$i].since)", "offer.stalls[$i].open", "$l[$i] == $C", "$K in offer.notes", "offer.notes[$K] == $C", "has(offer.depot.inner.stalls)", "offer.?notes[?$K].hasValue()",
		"true || $b", "$b && false", "!($b && false)", "($b || true) in [$b, true]", "($b || true) == $b", "($b && false) < $b", "$l.exists(x, $b || true)", "$l.exists_one(x, $b || true)", "$l.all(x, false && $b)", "($b || true) ? $b : $b",
		"coalesce($b && false, $b)", "first([$b || true])", "[$b || true, $b][$i]", "offer.flags.exists(x, (x || true) in [x, $b])", "string($b || true) == $C", "$I in [1, null]", "$S in [null, $C]", "$d in [null, $d]", "[1, $i].exists(x, x == $i)", "[$s].all(x, x == $s)",
		"size($l.map(x, 1)) > $i", "$l.map(x, $b || true).exists(x, x)", "$l.filter(x, false && $b) == []", "first($l.filter(x, true || $b)) == $s",
		"@bool", "@bool", "@bool", "@bool", "@bool", "@bool"},
	"double": {"$d + $d", "$d * $d - $d", "$d / $d", "-$d", "double($i)", "double($s)", "$b ? $d : $d", "coalesce($d, $d, $d)", "math.ceil($d)", "math.floor($d)", "math.abs($d)", "math.sqrt($d)", "math.least($d, $d)", "round($d, $i)", "round($d)", "sum($e)", "avg($e)", "avg($n)", "min($e)",
		"max($e)", "first($e)", "$e[$i]", "max($d, $d)", "min($d, $d)", "first($p).gross", "first($g).rent", "$g[$i].rent", "sum($p.map(p, p.gross))", "offer.weights[$K]", "@double", "@double"},
	"int": {"$i + $i", "$i - $i", "$i * $i", "$i / $i", "$i % $i", "-$i", "int($d)", "int($s)", "int($t)", "$b ? $i : $i", "size($e)", "size($n)", "count($e)", "count($n)", "sum($n)", "max($n)", "first($n)", "$n[$i]", "math.abs($i)", "math.bitAnd($i, $i)", "$t.getHours($Z)", "$t.getFullYear()", "$u.getMinutes()",
		"coalesce($i, $i, 0)", "min($i, $i, $i)", "first($g).floor", "size($g)", "count($p)", "$s.lastIndexOf($s)", "size($s)", "@int", "@int"},
	"string": {"$s + $s", "string($t)", "string($u)", "string($d)", "string($i)", "string($b)", "$s.lowerAscii()", "$s.upperAscii()", "$s.trim()", "$s.reverse()", "$s.substring($i)", "$s.substring($i, $i)", "$s.charAt($i)", "$s.replace($s, $s)", "$b ? $s : $s", "coalesce($s, $s, $s)",
		"first($l)", "$l[$i]", "min($l)", "max($s, $s)", "first($p).currency", "first($g).name", "$l.join($C)", "offer.notes[$K]", "first($s.split($C))", "strings.quote($s)", `"%s:%d".format([$s, $i])`, "@string", "@string"},
	"list":    {"$l + $l", "$s.split($C)", "[$s, $C]", "$b ? $l : $l", "coalesce($l, $l)", "@list", "@list", "@list", "first($g).tags", "$g[$i].tags", "$l.slice(0, 1)", "$l.distinct()", "$l.sort()", "$l.reverse()"},
	"time":    {"$t + $u", "$t - $u", "timestamp($s)", "timestamp($i)", "$b ? $t : $t", "coalesce($t, $t)", "first(offer.times)", "offer.times[$i]", "max($t, $t)", "min(offer.times)", "first($p).since", "@time"},
	"span":    {"$u + $u", "$u - $u", "$t - $t", "$b ? $u : $u", "duration($s)", "coalesce($u, $u)", "max($u, $u)"},
	"doubles": {"$e + $e", "[$d, $d]", "$b ? $e : $e", "@doubles", "@doubles", "offer.sheets[$i][$i]"},
	"ints":    {"$n + $n", "[$i, $i]", "@ints", "@ints", "offer.grid[$i]"},
	"prices":  {"$p.filter(p, p.gross > $d)", "$p.filter(p, has(p.since))", "@prices", "$b ? $p : $p", "$p + $p"},
	"stalls":  {"$g.filter(g, g.open)", "@stalls", "$g.filter(g, size(g.goods) > 1)"},
}

var moreNames = map[byte]string{'e': "doubles", 'n': "ints", 'p': "prices", 'g': "stalls"}

// of makes an expression of a type.
func (g grammar) of(typ string, depth int) string {
	if depth <= 0 || g.IntN(7) == 0 {
		if given := g.given(typ); len(given) > 0 && g.IntN(3) > 0 {
			return g.pick(given...)
		}
		return g.pick(slices.Concat(leaves[typ], moreLeaves[typ])...)
	}
	template := g.pick(slices.Concat(inner[typ], moreInner[typ])...)
	if strings.HasPrefix(template, "@") {
		if *g.named >= 5 {
			return g.of(typ, 0) // loops in loops take long
		}
		return g.loop(typ, depth)
	}
	var out strings.Builder
	for {
		before, after, found := strings.Cut(template, "$")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		out.WriteString(g.hole(after[0], depth))
		template = after[1:]
	}
}

// given is what the variables around give of a type.
func (g grammar) given(typ string) []string {
	var out []string
	for _, s := range g.scope {
		out = append(out, s[typ]...)
	}
	return out
}

// hole is what stands for a letter.
func (g grammar) hole(letter byte, depth int) string {
	switch letter {
	case 'C':
		return g.pick(`"new"`, `"hot"`, `"P1"`, `"e"`, `""`, `"é"`, `"ew"`, `"Käse"`, `"EUR"`, `"7"`, `"été"`, `"日"`, `"\x00"`, `","`, `" "`, `"\U0001F469"`, `"e\u0301"`)
	case 'N':
		return g.pick("0.0", "1.5", "12", "-2.25", "12.0", "-0.0", "1e300", "0.1", "3", "9223372036854775807.0", "-9223372036854775808.0", "9007199254740992.0", "9007199254740993.0", "1e19", "(1.0 / 0.0)", "(-1.0 / 0.0)", "5e-324", "2.5", "(0.0 / 0.0)")
	case 'M':
		return g.pick("0", "1", "3", "-7", "9223372036854775807", "-9223372036854775808", "2", "9007199254740993", "9007199254740992", "12", "-1", "127", "65535")
	case 'Z':
		return g.pick(`"Europe/Athens"`, `"America/New_York"`, `"Australia/Lord_Howe"`, `"UTC"`, `"+02:00"`, `"-11:30"`, `"Asia/Hong_Kong"`, `"Mars/Base"`, `"02:00"`, `""`)
	case 'R':
		return g.pick(`"^[a-n]"`, `"(?i)h.t|n[ew]+"`, `"^$"`, `"a|"`, `"\\pL+"`, `"[^\\x00-\\x7f]"`, `"(?s)^.$"`, `"\\bnew\\b"`, `"(?m)^hot$"`, `"x*"`, `"(?i)É"`, `"\\x{10FFFF}|é$"`, `""`, `"^(?:new|hot|P1)$"`, `"(e)(w)"`, `"[[:alpha:]]{3}"`, `"\\Aé"`, `"\\QP1\\E"`, `"(?U)e+?w"`, `"ew é"`)
	case 'K':
		return g.pick(`"color"`, `"size"`, `"net"`, `"é"`, `""`, `"no such"`, "("+g.of("string", depth-2)+")")
	case 'D', 'I', 'S', 'B', 'T', 'U':
		return "(" + g.of(typeNames[letter+32], g.IntN(2)*(depth-1)) + ")"
	}
	if name, ok := moreNames[letter]; ok {
		return "(" + g.of(name, depth-1) + ")"
	}
	return "(" + g.of(typeNames[letter], depth-1) + ")"
}

// A range over a list: its text, and what its variable gives.
type ranging struct {
	list  string
	gives offering
}

// loop makes a macro over a list, with a body of the variable and of those
// around.
func (g grammar) loop(typ string, depth int) string {
	*g.named++
	name := fmt.Sprintf("v%d", *g.named)
	if g.IntN(5) == 0 {
		name = "x" // hides another
	}
	over := g.ranging(name, depth-1)
	inside := g
	inside.scope = append(g.scope[:len(g.scope):len(g.scope)], over.gives)
	part := func(typ string) string { return inside.of(typ, depth-1) }
	macro := func(kind string, parts ...string) string {
		return fmt.Sprintf("(%s).%s(%s, %s)", over.list, kind, name, strings.Join(parts, ", "))
	}
	mapped := func(typ string) string {
		if g.IntN(2) == 0 {
			return macro("map", part("bool"), part(typ))
		}
		return macro("map", part(typ))
	}
	switch typ {
	case "bool":
		return macro(g.pick("exists", "exists", "all", "exists_one"), part("bool"))
	case "double", "int":
		return g.pick("sum", "avg", "min", "max", "first", "count", "size") + "(" + mapped(typ) + ")"
	case "string":
		return g.pick("min", "max", "first") + "(" + mapped("string") + ")"
	case "time":
		return g.pick("min", "max", "first") + "(" + mapped("time") + ")"
	case "list":
		return mapped("string")
	case "doubles":
		return mapped("double")
	case "ints":
		return mapped("int")
	case "prices":
		return g.pick("offer.prices", "("+g.of("prices", depth-2)+")") + ".filter(p, p.gross > " + g.of("double", depth-1) + ")"
	default:
		return "offer.stalls.filter(g, g.rent < " + g.of("double", depth-1) + " || " + g.of("bool", depth-1) + ")"
	}
}

// ranging picks a list to go over.
func (g grammar) ranging(v string, depth int) ranging {
	kind := g.pick("list", "doubles", "ints", "prices", "stalls", "goods", "lines", "times", "flags", "days")
	if given := g.given(kind); len(given) > 0 {
		return ranging{g.pick(given...), fields(kind, v)}
	}
	switch kind {
	case "list", "doubles", "ints", "prices", "stalls":
		return ranging{g.of(kind, depth), fields(kind, v)}
	case "goods":
		return ranging{g.pick("first(offer.stalls).goods", "offer.stalls[0].goods", "offer.depot.inner.stalls"), fields(kind, v)}
	case "lines":
		return ranging{"offer.lines", fields(kind, v)}
	case "times":
		if g.IntN(2) == 0 {
			return ranging{"[" + g.of("time", depth) + ", " + g.of("time", depth) + "]", fields(kind, v)}
		}
	}
	return ranging{"offer." + kind, fields(kind, v)}
}

// fields is what a variable over a kind of list gives.
func fields(kind, v string) offering {
	switch kind {
	case "list":
		return offering{"string": {v}, "bool": {v + " == null", v + ` == "new"`, v + `.substring(3) != "x"`, "int(" + v + ") > 0", v + ".size() / " + v + `.indexOf("e") == 0`}}
	case "doubles":
		return offering{"double": {v}, "bool": {v + " > 1.5", "int(" + v + ") > 0"}}
	case "ints":
		return offering{"int": {v}, "bool": {v + " in [1, 2, 3]", "7 / " + v + " > 1", v + " + 9223372036854775800 > 0"}}
	case "prices":
		return offering{"string": {v + ".currency", v + ".home.city"}, "double": {v + ".gross"}, "time": {v + ".since"}, "list": {v + ".tags"},
			"bool": {v + " == null", "1 / size(" + v + ".tags) > 0", v + `.tags[1] != "new"`, "has(" + v + ".since)", "has(" + v + ".tags)", "has(" + v + ".home)", "has(" + v + ".home.city)", v + ".home == null"}}
	case "stalls":
		return offering{"string": {v + ".name", v + ".home.city", v + ".attrs.color", v + `.attrs["é"]`}, "double": {v + ".rent"}, "int": {v + ".floor", v + ".home.zip", "size(" + v + ".goods)"}, "time": {v + ".since"}, "list": {v + ".tags"}, "goods": {v + ".goods"},
			"bool": {v + ".open", v + " == null", v + `.attrs.size != "x"`, v + ".goods[0].net > 1.0", "has(" + v + ".goods)", "has(" + v + ".attrs.color)", "has(" + v + ".attrs)", "has(" + v + ".home.zip)", `"size" in ` + v + ".attrs", "has(" + v + ".open)"}}
	case "goods":
		return offering{"string": {v + ".code"}, "double": {v + ".net"}, "list": {v + ".marks"}, "bool": {v + " == null", "has(" + v + ".net)", "has(" + v + ".marks)", `"new" in ` + v + ".marks"}}
	case "lines":
		return offering{"list": {v}, "int": {"size(" + v + ")"}}
	case "flags":
		return offering{"bool": {v, "!" + v}}
	default:
		return offering{"time": {v}, "bool": {v + " == null"}}
	}
}
