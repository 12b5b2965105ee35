package template

import (
	"html"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestFixed(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{int64(7), "7.00"}, {int64(-7), "-7.00"}, {int64(math.MaxInt64), "9223372036854775807.00"},
		{1.005, "1.01"}, {-1.005, "-1.01"}, {0.995, "1.00"}, {9.999, "10.00"}, {0.004, "0.00"}, {-0.004, "0.00"}, {-0.005, "-0.01"},
		{1e-7, "0.00"}, {1e15, "1000000000000000.00"}, {2.675, "2.68"}, {math.Copysign(0, -1), "0.00"},
		{newDecimal(1005, 3), "1.01"}, {newDecimal(-5, 3), "-0.01"}, {newDecimal(0, 4), "0.00"}, {newDecimal(12, 0), "12.00"}, {newDecimal(5, 1), "0.50"},
	} {
		if got, ok := fixed(c.v); !ok || got != c.want {
			t.Errorf("fixed(%v) = %q, %v, want %q", c.v, got, ok, c.want)
		}
	}
	for _, v := range []any{nil, math.NaN(), math.Inf(1), "1", true} {
		if got, ok := fixed(v); ok {
			t.Errorf("fixed(%v) = %q", v, got)
		}
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{nil, ""}, {"x", "x"}, {5, "5"}, {true, "true"}, {0.1, "0.1"}, {1e20, "100000000000000000000"}, {1e21, "1e+21"}, {1e-6, "0.000001"},
		{1e-7, "1e-07"}, {100.0, "100"}, {math.NaN(), "NaN"}, {newDecimal(-5, 3), "-0.005"}, {newDecimal(0, 2), "0.00"}, {newDecimal(120, 0), "120"},
		{newDecimal(999999999999999, 15), "0.999999999999999"},
		{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "2026-01-02T03:04:05Z"}, {[]any{"a", nil, int64(1)}, "a,1"}, {map[string]any{"a": 1}, ""},
	} {
		if got := text(c.v); got != c.want {
			t.Errorf("text(%v) = %q, want %q", c.v, got, c.want)
		}
	}
}

func TestCompare(t *testing.T) {
	big := int64(1<<53 + 1)
	day1 := day{time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}
	for _, c := range []struct {
		a, b  any
		order int
	}{
		{1, 2, -1}, {int64(2), 2, 0}, {1, 1.5, -1}, {2.5, 2, 1}, {big, float64(1 << 53), 1}, {float64(1 << 53), big, -1},
		{int64(math.MaxInt64), math.Inf(1), -1}, {int64(math.MinInt64), math.Inf(-1), 1}, {int64(math.MinInt64), -math.Pow(2, 63), 0}, {int64(math.MaxInt64), math.Pow(2, 63), -1},
		{newDecimal(1230, 2), 12.3, 0}, {12, newDecimal(1230, 2), -1}, {newDecimal(0, 2), 0, 0}, {newDecimal(10, 1), newDecimal(100, 2), 0},
		{"a", "b", -1}, {"ä", "z", 1}, {day1, day1.Time, 0}, {day1.Time.Add(time.Second), day1, 1}, {-1, -1.5, 1}, {-2, -1.5, -1},
	} {
		if order, ok := compare(c.a, c.b); !ok || order != c.order {
			t.Errorf("compare(%v, %v) = %d, %v, want %d", c.a, c.b, order, ok, c.order)
		}
	}
	for _, c := range [][2]any{{nil, nil}, {nil, 1}, {1, nil}, {"1", 1}, {math.NaN(), math.NaN()}, {1, math.NaN()}, {true, 1}, {day1, "x"}, {[]any{}, []any{}}} {
		if order, ok := compare(c[0], c[1]); ok {
			t.Errorf("compare(%v, %v) = %d", c[0], c[1], order)
		}
		if eq(c[0], c[1]) || !ne(c[0], c[1]) || lt(c[0], c[1]) || le(c[0], c[1]) || gt(c[0], c[1]) || ge(c[0], c[1]) {
			t.Errorf("%v and %v compare", c[0], c[1])
		}
	}
}

func TestStripHTML(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "plain": "plain", "<p>a</p><p>b</p>": "a b", "a<br>b<br/>c": "a b c", "<b>bo</b>ld": "bold", "a  \n b": "a b",
		"&lt;b&gt; &amp; &nbsp;x&eacute;": "<b> & xé", "1 < 2 > 0": "1 < 2 > 0", "a <": "a <", "a <b": "a <b", "x<!-- c > d -->y": "xy", "x<!-- c": "x",
		`<a title="1 > 0">t</a>`: "t", `<a title="open>t</a>`: "t", "<script>if (a < b) x()</script>z": "z", "<STYLE>p{}</STYLE >z": "z", "<script>x": "",
		"<!DOCTYPE html><html><body>x": "x", "<ul><li>1<li>2</ul>": "1 2", "5<6": "5<6", "</p>x": "x", "<?pi?>x": "x",
	} {
		if got := stripHTML(s); got != want {
			t.Errorf("stripHTML(%q) = %q, want %q", s, got, want)
		}
	}
}

// Stripping is linear: a megabyte of each of these takes milliseconds, where a
// quadratic one takes minutes.
func TestStripHTMLIsLinear(t *testing.T) {
	for _, piece := range []string{"<", "<a", "<a ", `<a b="`, "<!--", "<script>", "</", "<a b='>", "<a b=\">"} {
		stripHTML(strings.Repeat(piece, 1<<20/len(piece)))
	}
}

func TestTruncate(t *testing.T) {
	for _, c := range []struct {
		n    any
		v    any
		want any
	}{{3, "äöüß", "äöü"}, {9, "abc", "abc"}, {0, "abc", ""}, {-1, "abc", ""}, {2, nil, nil}, {2, int64(123), "12"}, {3, "abc", "abc"}} {
		if got := truncate(c.n, c.v); got != c.want {
			t.Errorf("truncate(%v, %v) = %v, want %v", c.n, c.v, got, c.want)
		}
	}
}

func TestEachRune(t *testing.T) {
	if got := eachRune(strings.ToUpper)("a\xffß\xedé"); got != "A\xffß\xedÉ" && got != "A\xffSS\xedÉ" {
		t.Errorf("upper case: %q", got)
	}
}

// A text that is called plain is one that has nothing to be stripped.
func TestIsPlain(t *testing.T) {
	for _, s := range []string{"", " ", "a", "a b", " a", "a ", "a  b", "a\tb", "a\nb", "é", "é\u00a0b", "\u0085", "a<b", "a&b", "a &amp; b", "\xff\xfe", "日本 語", "a\u2028"} {
		folded := strings.Join(strings.Fields(html.UnescapeString(s)), " ")
		if want := folded == s && !strings.ContainsAny(s, "<&"); isPlain(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}

// What a compiled truncate keeps is what truncate keeps.
func TestPrefix(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		s := ""
		for range random.IntN(30) {
			s += []string{"a", "bcdefghi", "é", "日本", "\xff", "\xe6\x97"}[random.IntN(6)]
		}
		for n := range int64(40) {
			if got, want := s[:prefix(s, n)], truncate(n, s); got != want {
				t.Fatalf("%d of %q: %q, want %q", n, s, got, want)
			}
		}
	}
}

// Eight bytes at a time or one by one, blanks are folded alike.
func TestFold(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		s := ""
		for range random.IntN(40) {
			s += []string{"a", "bc", "defghij", " ", " ", "!", "\t", "é", "\u00a0", "<", "\x01", "  "}[random.IntN(12)]
		}
		want := strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " ")
		text := []byte(s)
		if got := string(text[:fold(text)]); got != want {
			t.Fatalf("%q: %q, want %q", s, got, want)
		}
		if plain := want == s && !strings.ContainsAny(s, "<&"); isPlain(s) != plain {
			t.Fatalf("%q is plain: %v, want %v", s, !plain, plain)
		}
	}
}
