package eval

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/predicate"
)

// oddLetters are few, so that patterns overlap, and odd: some are the same as others
// without case only, some are part of others' bytes, one is no UTF-8.
var oddLetters = []string{"a", "b", "A", "k", "K", "\u212a", "s", "\u017f", "é", "e\u0301", "É", "ß", "\n", "\x00", " ", "\xff", "\xc3", "σ", "ς", "Σ", "İ"}

func (d dice) spelled(most int) string {
	var out strings.Builder
	for range d.IntN(most + 1) {
		out.WriteString(oddLetters[d.IntN(len(oddLetters))])
	}
	return out.String()
}

// pattern makes a regular expression.
func (d dice) pattern(depth int) string {
	if depth == 0 || d.IntN(4) == 0 {
		return d.pick("a", "b", "k", "ab", "s", "é", "É", "σ", ".", "[a-k]", "[^a]", `\pL`, `\s`, `\d`, `\b`, "^", "$", `\A`, `\z`, "", "aa", "K", `\x{212A}`, `[[:upper:]]`, `\B`, "ſ", "ß", " ", `\n`, "ba b")
	}
	x := d.pattern(depth - 1)
	switch d.IntN(10) {
	case 0:
		return "(?:" + x + ")" + d.pick("*", "+", "?", "{2}", "{0,1}", "*?", "{2,}", "{0}")
	case 1:
		return "(" + x + "|" + d.pattern(depth-1) + ")"
	case 2:
		return x + "|" + d.pattern(depth-1)
	case 3:
		return d.pick("(?i)", "(?s)", "(?m)", "(?im)", "(?U)", "(?i:a)", "(?-i)") + x
	case 4:
		return "^" + x + "$"
	case 5:
		return `\Q` + d.pick("a", "ab", "k.", "é") + `\E` + x
	default:
		return x + d.pattern(depth-1)
	}
}

// TestManyPatterns searches one column's texts for many patterns of every kind.
func TestManyPatterns(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	seed := uint64(time.Now().UnixNano())
	for i := range rounds {
		searchMany(t, seed+uint64(i))
	}
}

// FuzzManyPatterns does the same for seeds that a fuzzer makes.
func FuzzManyPatterns(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { searchMany(t, seed) })
}

func searchMany(t *testing.T, seed uint64) {
	d := dice{rand.New(rand.NewPCG(seed, 10))}
	env := predicate.OfferEnv(schema, predicate.OfferOptions{})
	var predicates []*predicate.Expr
	for n := 1 + d.IntN(150); len(predicates) < n; {
		text := d.search()
		if d.IntN(3) == 0 {
			text += d.pick(" && ", " || ") + d.search()
		}
		x, mistakes := env.Predicate(diag.Plain(text))
		if mistakes != nil {
			t.Fatalf("%s: %v", text, mistakes)
		}
		predicates = append(predicates, x)
	}
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := array.NewRecordBuilder(mem, schema[:1].Arrow())
	defer b.Release()
	for range 150 {
		if d.IntN(12) == 0 {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).(*array.StringBuilder).Append(d.spelled(9))
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	program := Compile(predicates)
	if d.IntN(2) == 0 {
		searchAlone(program)
	}
	same(t, fmt.Sprintf("seed %d", seed), predicates, program, batch, d, &tally{})
}

// searchAlone lets a program take texts for ones that do not repeat, of which few
// leaves are asked, from the first block on.
func searchAlone(p *Program) {
	m := p.machine(noon)
	defer p.takeBack(m)
	for i := range m.plan.groups {
		if m.plan.groups[i].late {
			m.textsOf(i).known, m.groups[i].rows = nil, 1
		}
	}
}

// TestSearchAlone gives texts that do not repeat to leaves of which few are asked:
// after the first block each is searched for by itself, until many are asked.
func TestSearchAlone(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(1, 12))}
	env := predicate.OfferEnv(schema, predicate.OfferOptions{})
	var few, many []*predicate.Expr
	for i := range 40 {
		for _, p := range []struct {
			to   *[]*predicate.Expr
			text string
		}{{&few, fmt.Sprintf(`offer.stock == %d && offer.id.%s`, i, d.pick(`contains("ab")`, `contains("%d7")`, `matches("(?i)K%d")`, `matches("[a-k]+ ?%d")`))}, {&many, `offer.id.contains("%d1")`}} {
			if strings.Contains(p.text, "%d") {
				p.text = fmt.Sprintf(p.text, i)
			}
			x, mistakes := env.Predicate(diag.Plain(p.text))
			if mistakes != nil {
				t.Fatal(p.text, mistakes)
			}
			*p.to = append(*p.to, x)
		}
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema.Arrow())
	defer b.Release()
	for i := range 2*blockRows + 100 {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprint(d.spelled(5), "k", i, d.spelled(5)))
		b.Field(1).AppendNull()
		b.Field(2).(*array.Int64Builder).Append(int64(d.IntN(60)))
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	for _, c := range []struct {
		predicates []*predicate.Expr
		alone      bool
	}{{few, true}, {append(many, few...), false}} {
		program := Compile(c.predicates)
		agree(t, "alone", c.predicates, program, batch)
		m := program.machine(noon)
		for i, s := range m.searched {
			if m.plan.groups[i].late && s.alone != c.alone {
				t.Errorf("searched alone: %v", s.alone)
			}
		}
	}
}

// search makes a condition on the id.
func (d dice) search() string {
	switch d.IntN(9) {
	case 0, 1, 2:
		for {
			if p := d.pattern(3); compiles(p) {
				return "offer.id.matches(" + strconv.QuoteToASCII(p) + ")"
			}
		}
	case 3:
		return "offer.id.startsWith(" + d.quoted(3) + ")"
	case 4:
		return "offer.id.endsWith(" + d.quoted(3) + ")"
	case 5:
		return "offer.id " + d.pick("<", "<=", ">", ">=", "==", "!=") + " " + d.quoted(2)
	case 6:
		return "offer.id in [" + d.quoted(1) + ", " + d.quoted(2) + ", " + d.quoted(1) + "]"
	default:
		return d.pick("", "!") + "offer.id.contains(" + d.quoted(3) + ")"
	}
}

func compiles(pattern string) bool {
	_, err := regexp.Compile(pattern)
	return err == nil
}

// quoted is a literal of letters that a text in a file can have.
func (d dice) quoted(most int) string {
	return strconv.QuoteToASCII(strings.ToValidUTF8(d.spelled(most), "a"))
}
