package eval

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A tally is what has been compared.
type tally struct {
	predicates, vectorised, outcomes, byRow int64
	said                                    [4]int64 // by outcome
}

func (c *tally) String() string {
	return fmt.Sprintf("%d predicates, %d of them without a part that is decided row by row; %d outcomes, %d of them decided row by row; %d true, %d undecided, %d failed",
		c.predicates, c.vectorised, c.outcomes, c.byRow, c.said[predicate.True], c.said[predicate.Undecided], c.said[predicate.Failed])
}

// TestBazaar compares programs of random predicates over random batches with the
// row-wise evaluator: nested loops and lists, other layouts, extreme values.
func TestBazaar(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 40
	}
	seed, compared := uint64(time.Now().UnixNano()), &tally{}
	for i := range rounds {
		d := dice{rand.New(rand.NewPCG(seed+uint64(i), 2))}
		visitBazaar(t, fmt.Sprintf("seed %d", seed+uint64(i)), d, lengths[d.IntN(len(lengths))], compared)
	}
	t.Log(compared)
	if compared.vectorised*5 < compared.predicates {
		t.Errorf("too few predicates are vectorised: %v", compared)
	}
}

// TestBazaarBlocks does so at the edges of blocks.
func TestBazaarBlocks(t *testing.T) {
	if testing.Short() {
		t.Skip("TestBlockEdges is the short one")
	}
	seed, compared := uint64(time.Now().UnixNano()), &tally{}
	for i, rows := range []int{4095, 4096, 4097} {
		d := dice{rand.New(rand.NewPCG(seed+uint64(i), 2))}
		visitBazaar(t, fmt.Sprintf("blocks, seed %d", seed+uint64(i)), d, rows, compared)
	}
	t.Log(compared)
}

// FuzzBazaar lets a fuzzer choose the predicates and the rows.
func FuzzBazaar(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("offers"))
	r := rand.New(rand.NewPCG(1, 1))
	for range 8 {
		tape := make([]byte, 400)
		for i := range len(tape) / 8 {
			binary.LittleEndian.PutUint64(tape[i*8:], r.Uint64())
		}
		f.Add(tape)
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		h := fnv.New64a()
		h.Write(bytes)
		d := dice{rand.New(&tape{bytes, rand.NewPCG(h.Sum64(), 3)})}
		visitBazaar(t, fmt.Sprintf("tape %q", bytes), d, lengths[d.IntN(len(lengths))], &tally{})
	})
}

// visitBazaar compares a program of random predicates over a few batches of rows.
func visitBazaar(t *testing.T, what string, d dice, rows int, compared *tally) {
	t.Helper()
	schema := bazaar(t)
	env := predicate.OfferEnv(schema, predicate.OfferOptions{Now: true})
	var predicates []*predicate.Expr
	for tries := 0; len(predicates) < 12 && tries < 2000; tries++ {
		g := grammar{dice: d, named: new(int)}
		if x, mistakes := env.Predicate(diag.Plain(g.of("bool", 1+d.IntN(4)))); mistakes == nil {
			predicates = append(predicates, x) // null has no place in some
		}
	}
	program := Compile(predicates)
	if d.IntN(3) == 0 {
		searchAlone(program)
	}
	compared.count(program)
	for range 2 {
		batch := d.rows(t, schema, rows)
		if d.IntN(3) == 0 {
			batch = d.encoded(t, batch)
		}
		same(t, what, predicates, program, batch, d, compared)
	}
}

func (c *tally) count(p *Program) {
	slow := map[int]bool{}
	for _, s := range p.Slow() {
		slow[s.Predicate] = true
	}
	c.predicates += int64(len(p.predicates))
	c.vectorised += int64(len(p.predicates) - len(slow))
}

// same compares a program's outcomes, of each row, with the row-wise evaluator's:
// over the batch, and over slices of it, down to single rows.
func same(t testing.TB, what string, predicates []*predicate.Expr, program *Program, batch arrow.RecordBatch, d dice, compared *tally) {
	t.Helper()
	n := int(batch.NumRows())
	want := outcomes(predicates, batch)
	cuts := [][2]int{{0, n}}
	for range min(n, 6) {
		row := d.IntN(n)
		cuts = append(cuts, [2]int{row, row + 1})
	}
	if n > 2 {
		from := d.IntN(n - 1)
		cuts = append(cuts, [2]int{from, from + 1 + d.IntN(n-from)})
	}
	for _, cut := range cuts {
		slice := batch.NewSlice(int64(cut[0]), int64(cut[1]))
		r := program.Run(slice, noon)
		slice.Release()
		compared.outcomes += int64(len(predicates) * (cut[1] - cut[0]))
		compared.byRow += r.RowByRow
		for i, x := range predicates {
			said := newResult(1, cut[1]-cut[0])
			for k, o := range want[i][cut[0]:cut[1]] {
				said.add(0, k, o)
				compared.said[o]++
				if r.Selected[i].Has(k) != (o == predicate.True) {
					t.Fatalf("%s: %s\nrow %d of rows %d to %d: %v, want it %v\nterm %s\nrow %s", what, x.Text(), k, cut[0], cut[1], r.Selected[i].Has(k), o, format(program, i), row(batch, cut[0]+k))
				}
			}
			if r.Undecided[i] != said.Undecided[0] || r.Errors[i] != said.Errors[0] {
				t.Fatalf("%s: %s\nrows %d to %d: %d undecided and %d errors, want %d and %d\nterm %s\nrow %s", what, x.Text(), cut[0], cut[1], r.Undecided[i], r.Errors[i], said.Undecided[0], said.Errors[0], format(program, i), row(batch, cut[0]))
			}
		}
	}
}

func row(batch arrow.RecordBatch, i int) string {
	slice := batch.NewSlice(int64(i), int64(i+1))
	defer slice.Release()
	text, err := slice.MarshalJSON()
	return fmt.Sprintf("%s %v", text, err)
}

// outcomes is what each predicate says of each row alone.
func outcomes(predicates []*predicate.Expr, batch arrow.RecordBatch) [][]predicate.Outcome {
	out := make([][]predicate.Outcome, len(predicates))
	vars := predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}, Now: noon}
	for i, x := range predicates {
		out[i] = make([]predicate.Outcome, batch.NumRows())
		for k := range out[i] {
			vars.Offer.Index = k
			out[i][k], _ = x.Decide(&vars)
		}
	}
	return out
}
