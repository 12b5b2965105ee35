package eval

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/predicate"
)

// TestFound holds what random expressions and rows found, made small: programs
// said something else of the row than the row-wise evaluator.
func TestFound(t *testing.T) {
	for _, c := range []struct {
		text, row string
		want      predicate.Outcome
	}{
		{`string(timestamp("2026-10-25T02:30:00+02:00")) == "2026-10-25T00:30:00Z"`, `{}`, predicate.True}, // had an offset
		{`string(offer.flag ? timestamp("2026-10-25T02:30:00+02:00") : offer.seen).size() == 20`, `{"flag": true}`, predicate.True},
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
