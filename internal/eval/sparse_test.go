package eval

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/predicate"
)

// TestManySellers decides many conditions that compare one text, most of which no
// row of a batch has.
func TestManySellers(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	for i := range 20 {
		sellMany(t, seed+uint64(i))
	}
}

// FuzzManySellers does the same for seeds that a fuzzer makes.
func FuzzManySellers(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(sellMany)
}

func sellMany(t *testing.T, seed uint64) {
	d := dice{rand.New(rand.NewPCG(seed, 11))}
	sellers := 1 + d.IntN(300)
	seller := func() string { return fmt.Sprintf("%q", fmt.Sprint("S", d.IntN(sellers))) }
	env := predicate.OfferEnv(schema, predicate.OfferOptions{})
	var predicates []*predicate.Expr
	for range 1 + d.IntN(400) {
		text := fmt.Sprintf(d.pick("offer.id == %s", "offer.id != %s", "offer.id in [%s, \"S1\"]", "offer.id == %s && offer.stock > 1", "offer.price < 2.0 && offer.id == %s && offer.stock > 2",
			"!(offer.id == %s) && offer.stock > 1", "offer.id == %s || offer.stock > 1", "offer.id == %s || offer.id == \"S2\"", "offer.id == %s && offer.id.contains(\"1\")", "(offer.stock > 3 || offer.id == %s) && offer.price > 0.5"), seller())
		x, mistakes := env.Predicate(diag.Plain(text))
		if mistakes != nil {
			t.Fatalf("%s: %v", text, mistakes)
		}
		predicates = append(predicates, x)
	}
	program := Compile(predicates)
	for range 2 {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema.Arrow())
		nulls := d.IntN(3)
		for range lengths[d.IntN(len(lengths))] {
			if d.IntN(20) < nulls {
				b.Field(0).AppendNull()
			} else {
				b.Field(0).(*array.StringBuilder).Append(fmt.Sprint("S", d.IntN(2*sellers)))
			}
			d.put(b.Field(1), nulls)
			b.Field(2).(*array.Int64Builder).Append(int64(d.IntN(6)))
		}
		batch := b.NewRecordBatch()
		b.Release()
		agree(t, fmt.Sprintf("seed %d", seed), predicates, program, batch)
		batch.Release()
	}
}
