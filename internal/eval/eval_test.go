package eval

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

var schema = offer.Schema{
	{Name: "id", Type: offer.Type{Kind: offer.String}},
	{Name: "price", Type: offer.Type{Kind: offer.Double}},
	{Name: "stock", Type: offer.Type{Kind: offer.Int}},
}

func compile(t testing.TB, texts ...string) *Program {
	t.Helper()
	env := predicate.OfferEnv(schema, predicate.OfferOptions{Now: true})
	predicates := make([]*predicate.Expr, len(texts))
	for i, text := range texts {
		x, mistakes := env.Predicate(diag.Plain(text))
		if mistakes != nil {
			t.Fatal(mistakes)
		}
		predicates[i] = x
	}
	return Compile(predicates)
}

func batch(t testing.TB, rows string) arrow.RecordBatch {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	record, _, err := array.RecordFromJSON(mem, schema.Arrow(), strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { record.Release(); mem.AssertSize(t, 0) })
	return record
}

func TestRun(t *testing.T) {
	program := compile(t, `offer.price > 10`, `10 / offer.stock > 1`, `true`, `now > timestamp("2026-01-01T00:00:00Z")`)
	rows := `[{"id": "a", "price": 11, "stock": 0}, {"id": "b", "price": null, "stock": 3}, {"id": "c", "price": 3, "stock": null},
		{"id": "d", "price": null, "stock": 0}, {"id": "e", "price": 12, "stock": 9}]`
	r := program.Run(batch(t, rows), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
	var selected [][]int
	for _, s := range r.Selected {
		if s.Len() != 5 {
			t.Errorf("a selection over %d rows", s.Len())
		}
		selected = append(selected, slices.Collect(s.All()))
	}
	for _, c := range []struct {
		what      string
		want, got any
	}{
		{"selected", [][]int{{0, 4}, {1}, {0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}}, selected},
		{"undecided", []int64{2, 1, 0, 0}, r.Undecided},
		{"errors", []int64{0, 2, 0, 0}, r.Errors},
		{"samples", [][]Sample{
			{{1, predicate.Undecided, "offer.price is null"}, {3, predicate.Undecided, "offer.price is null"}},
			{{0, predicate.Failed, "10 / offer.stock: division by zero"}, {2, predicate.Undecided, "offer.stock is null"}, {3, predicate.Failed, "10 / offer.stock: division by zero"}},
			nil, nil,
		}, r.Samples},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
}

// TestSamples keeps the first few, and failures rather than undecided rows.
func TestSamples(t *testing.T) {
	var rows []string
	for i := range 40 {
		stock := "null"
		if i >= 30 {
			stock = "0"
		}
		rows = append(rows, fmt.Sprintf(`{"id": "%d", "stock": %s}`, i, stock))
	}
	r := compile(t, `10 / offer.stock > 1`).Run(batch(t, "["+strings.Join(rows, ",")+"]"), time.Time{})
	var got []int
	for _, s := range r.Samples[0] {
		got = append(got, s.Row)
	}
	if want := []int{32, 31, 30}; !slices.Equal(got, want) || len(got) != MaxSamples {
		t.Errorf("samples of rows %v, want %v", got, want)
	}
	if r.Undecided[0] != 30 || r.Errors[0] != 10 {
		t.Errorf("%d undecided, %d errors", r.Undecided[0], r.Errors[0])
	}
}

func TestNothing(t *testing.T) {
	r := compile(t).Run(batch(t, `[{"id": "a"}]`), time.Time{})
	if len(r.Selected)+len(r.Errors) != 0 {
		t.Errorf("got %+v", r)
	}
	r = compile(t, `true`).Run(batch(t, `[]`), time.Time{})
	if r.Selected[0].Len() != 0 || !r.Selected[0].Empty() {
		t.Errorf("got %+v", r)
	}
}

func BenchmarkRun(b *testing.B) {
	var rows []string
	for i := range 1024 {
		rows = append(rows, fmt.Sprintf(`{"id": "%d", "price": %d, "stock": %d}`, i, i%50, i%7))
	}
	var texts []string
	for i := range 50 {
		texts = append(texts, fmt.Sprintf(`offer.price > %d && offer.stock >= %d`, i, i%7))
	}
	program, record := compile(b, texts...), batch(b, "["+strings.Join(rows, ",")+"]")
	b.ReportAllocs()
	for b.Loop() {
		program.Run(record, time.Time{})
	}
	b.ReportMetric(1024*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
