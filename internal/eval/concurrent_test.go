package eval

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/predicate"
)

// gathering is a program of random predicates.
func gathering(t *testing.T, d dice, n int) *Program {
	t.Helper()
	env := predicate.OfferEnv(bazaar(t), predicate.OfferOptions{Now: true})
	var predicates []*predicate.Expr
	for len(predicates) < n {
		g := grammar{dice: d, named: new(int)}
		if x, mistakes := env.Predicate(diag.Plain(g.of("bool", 3))); mistakes == nil {
			predicates = append(predicates, x)
		}
	}
	return Compile(predicates)
}

// TestConcurrentRuns lets many run one program, over several batches and at
// several times: each gets what it gets alone. The race detector watches.
func TestConcurrentRuns(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	d := dice{rand.New(rand.NewPCG(seed, 5))}
	program := gathering(t, d, 30)
	type run struct {
		batch arrow.RecordBatch
		now   time.Time
		want  *Result
	}
	var runs []run
	for i := range 6 {
		batch := d.rows(t, bazaar(t), 100+i)
		for _, now := range []time.Time{noon, noon.AddDate(0, -1, 0)} {
			runs = append(runs, run{batch, now, Compile(program.predicates).Run(batch, now)})
		}
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range runs {
				r := runs[(i*(1+2*(worker%3))+worker)%len(runs)]
				if got := program.Run(r.batch, r.now); !equalResults(got, r.want) {
					t.Errorf("worker %d: run %d differs", worker, i)
				}
				program.Slow()
			}
		})
	}
	group.Wait()
}

// equalResults compares all but the samples, of which a program gives only so
// many.
func equalResults(a, b *Result) bool {
	return slices.EqualFunc(a.Selected, b.Selected, bitmap.Bitmap.Equal) &&
		slices.Equal(a.Undecided, b.Undecided) && slices.Equal(a.Errors, b.Errors) && a.RowByRow == b.RowByRow
}

// A spoiler writes over what is freed.
type spoiler struct{ memory.Allocator }

func (s spoiler) Free(b []byte) {
	for i := range b {
		b[i] = 'x'
	}
	s.Allocator.Free(b)
}

// TestReleasedBatches gives a program batches whose memory is written over as soon
// as they are released: neither its memory of texts nor its results look into it.
func TestReleasedBatches(t *testing.T) {
	texts := []string{`offer.id in ["a", "bb", "ccc"]`, `offer.id.contains("b")`, `offer.id.matches("^c+$")`, `offer.id + "!" == "a!"`, `1 / offer.stock > 0`, `offer.id.substring(5) == ""`, `int(offer.id) > 0`}
	program := compile(t, texts...)
	checked := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer checked.AssertSize(t, 0)
	var first *Result
	var reasons [][]Sample
	for i := range 5 {
		rows := `[{"id": "a", "stock": 0}, {"id": "bb", "stock": 1}, {"id": "ccc"}, {"id": "dddd", "stock": 2}, {"id": null}]`
		record, _, err := array.RecordFromJSON(spoiler{checked}, schema.Arrow(), strings.NewReader(rows))
		if err != nil {
			t.Fatal(err)
		}
		r := program.Run(record, noon)
		if i == 0 {
			first = r
			for _, samples := range r.Samples {
				kept := slices.Clone(samples)
				for k := range kept {
					kept[k].Reason = strings.Clone(kept[k].Reason)
				}
				reasons = append(reasons, kept)
			}
		}
		record.Release()
		if !equalResults(r, first) {
			t.Fatalf("batch %d differs from the first", i)
		}
	}
	for i := range reasons {
		if !slices.Equal(first.Samples[i], reasons[i]) {
			t.Errorf("%s: samples %v have become %v", texts[i], reasons[i], first.Samples[i])
		}
	}
	if got := slices.Collect(first.Selected[0].All()); !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("%s: %v", texts[0], got)
	}
}

// TestDictionaries gives texts as dictionaries: they are decided column by column,
// also what looks at a text more than once for a dictionary.
func TestDictionaries(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(1, 6))}
	env := predicate.OfferEnv(bazaar(t), predicate.OfferOptions{})
	var predicates []*predicate.Expr
	for _, text := range []string{
		`offer.name == "new"`, `offer.name in ["hot", "e"]`, `offer.name.startsWith("n")`, `offer.name < "m"`, `offer.name.contains("ew")`, `has(offer.name)`, `offer.name == null`,
		`offer.name == offer.code`, `size(offer.name) > 3`, `offer.name + "!" == "new!"`, `offer.stalls.exists(s, s.name == "new" || s.attrs.color == offer.name)`, `"new" in offer.tags`,
		`offer.lines.exists(l, l.exists(x, x.endsWith("w")))`, `first(offer.tags) == "hot"`, `max(offer.tags) > "a"`, `offer.stalls.map(s, s.name).exists(n, n == "hot")`, `coalesce(offer.name, offer.code) == "e"`,
	} {
		x, mistakes := env.Predicate(diag.Plain(text))
		if mistakes != nil {
			t.Fatal(text, mistakes)
		}
		predicates = append(predicates, x)
	}
	program := Compile(predicates)
	for _, n := range []int{0, 1, 70, blockRows + 3} {
		batch := d.encoded(t, d.batch(t, bazaar(t), n))
		same(t, "dictionaries", predicates, program, batch, d, &tally{})
		if r := program.Run(batch, noon); r.RowByRow != 0 {
			t.Errorf("%d rows: %d decided alone", n, r.RowByRow)
		}
	}
}

// TestMisfits gives a batch that a program must decide row by row, which is found
// out in the second block only: all is released, and no row counts twice.
func TestMisfits(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	fields := []arrow.Field{{Name: "end", Type: &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}, Nullable: true}}
	b := array.NewRecordBuilder(mem, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i := range blockRows + 10 {
		b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(i))
	}
	b.Field(0).(*array.TimestampBuilder).Append(1 << 62) // more than microseconds hold
	batch := b.NewRecordBatch()
	defer batch.Release()
	x, mistakes := predicate.OfferEnv(bazaar(t), predicate.OfferOptions{}).Predicate(diag.Plain(`offer.end >= timestamp("1970-01-01T00:01:00Z")`))
	if mistakes != nil {
		t.Fatal(mistakes)
	}
	r := Compile([]*predicate.Expr{x}).Run(batch, noon)
	if got, want := r.Selected[0].Count(), blockRows+10-60+1; got != want || r.RowByRow != int64(blockRows+11) {
		t.Errorf("%d selected, want %d; %d rows decided alone", got, want, r.RowByRow)
	}
}
