package eval

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/predicate"
)

// TestFound holds what random expressions and rows found, made small, programs
// having said something else of the row than the row-wise evaluator; and what they
// would hardly find.
func TestFound(t *testing.T) {
	for _, c := range []struct {
		text, row string
		want      predicate.Outcome
	}{
		{`string(timestamp("2026-10-25T02:30:00+02:00")) == "2026-10-25T00:30:00Z"`, `{}`, predicate.True}, // had an offset
		{`string(offer.flag ? timestamp("2026-10-25T02:30:00+02:00") : offer.seen).size() == 20`, `{"flag": true}`, predicate.True},
		{`[now, offer.seen].exists(x, x > timestamp("2026-02-01T12:00:00Z"))`, `{"seen": "2026-01-01T00:00:00Z"}`, predicate.True}, // a nanosecond later
		{`[offer.seen, now].filter(x, x != offer.seen)[0] == now`, `{"seen": "2026-02-01T12:00:00Z"}`, predicate.True},
		{`offer.tags.exists(x, (offer.flag ? now : offer.seen) > timestamp("2026-02-01T12:00:00Z"))`, `{"seen": "2026-01-01T00:00:00Z", "flag": true, "tags": ["a"]}`, predicate.True},
		{`(true || has(offer.flag)) in [true, false]`, `{}`, predicate.True}, // a constant that reads a row
		{`!(false && offer.flag) in [false, 1 > 2]`, `{}`, predicate.False},
		{`offer.flags.exists(x, (x || true) in [true, x])`, `{"flags": [null]}`, predicate.True},
		{`coalesce(first([1].filter(x, x > 2)) + 1, offer.stock) == 5`, `{"stock": 5}`, predicate.True}, // an error that null causes in a constant
		{`first([1].filter(x, x > 2)) + offer.stock == 5`, `{"stock": 5}`, predicate.Undecided},
		{`offer.counts.exists(x, 6 / x == 3)`, `{"counts": [0, 2]}`, predicate.True},
		{`offer.counts.all(x, 6 / x == 3)`, `{"counts": [0, 1]}`, predicate.False},
		{`offer.counts.exists_one(x, 6 / x == 3)`, `{"counts": [0, 2]}`, predicate.Failed},
		{`offer.counts.exists(x, 6 / x == 3)`, `{"counts": [0, null]}`, predicate.Failed},
		{`offer.counts.exists(x, 6 / x == 3)`, `{"counts": [null, 1]}`, predicate.Undecided},
		{`(1 / offer.stock) in offer.counts`, `{"stock": 0}`, predicate.Failed},
		{`offer.size in (offer.counts + [1 / offer.stock])`, `{"stock": 0, "counts": [1], "size": 1}`, predicate.Failed},
		{`(offer.size + 1) in (offer.counts + [1 / offer.stock])`, `{"stock": 0}`, predicate.Undecided}, // the left one is first
		{`timestamp(offer.name).getHours() == 0`, `{"name": "2026-10-25T02:30:00+02:00"}`, predicate.True},
	} {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		batch, _, err := array.RecordFromJSON(mem, bazaar(t).Arrow(), strings.NewReader("["+c.row+"]"))
		if err != nil {
			t.Fatal(err)
		}
		x, mistakes := predicate.OfferEnv(bazaar(t), predicate.OfferOptions{Now: true}).Predicate(diag.Plain(c.text))
		if mistakes != nil {
			t.Fatalf("%s: %v", c.text, mistakes)
		}
		if got := outcomes([]*predicate.Expr{x}, batch)[0][0]; got != c.want {
			t.Errorf("%s of %s is %v, want %v", c.text, c.row, got, c.want)
		}
		agree(t, "found", []*predicate.Expr{x}, Compile([]*predicate.Expr{x}), batch)
		batch.Release()
		mem.AssertSize(t, 0)
	}
}

// TestManyTexts gives a group of texts more than it remembers, in many blocks,
// long ones and short ones.
func TestManyTexts(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(1, 7))}
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := array.NewRecordBuilder(mem, schema[:1].Arrow())
	defer b.Release()
	ids := b.Field(0).(*array.StringBuilder)
	for i := range 3*blockRows + 17 {
		switch text := fmt.Sprintf("%d", i%5000); {
		case d.IntN(9) == 0:
			ids.AppendNull()
		case d.IntN(3) == 0:
			ids.Append(text)
		default:
			ids.Append(text + strings.Repeat("x", d.IntN(900)) + fmt.Sprint(i%7))
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	program := compile(t, `offer.id in ["7", "4999", "12"]`, `offer.id.contains("3x")`, `offer.id.startsWith("49")`, `offer.id.endsWith("x5")`, `offer.id < "3"`, `offer.id == "100"`, `offer.id.matches("^[0-9]{4}x*[0-3]$")`)
	for range 2 {
		same(t, "many texts", program.predicates, program, batch, d, &tally{})
	}
}
