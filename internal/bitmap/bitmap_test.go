package bitmap

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// lengths are those at which words begin and end.
var lengths = []int{0, 1, 2, 7, 20, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025}

// random returns a set and the same as booleans.
func random(r *rand.Rand, n int) (Bitmap, []bool) {
	b, model := New(n), make([]bool, n)
	for i := range model {
		if model[i] = r.IntN(3) == 0; model[i] {
			b.Set(i)
		}
	}
	return b, model
}

func compare(t *testing.T, what string, b Bitmap, model []bool) {
	t.Helper()
	var rows []int
	for i, in := range model {
		if b.Has(i) != in {
			t.Errorf("%s of %d rows: Has(%d) = %v", what, len(model), i, b.Has(i))
		}
		if in {
			rows = append(rows, i)
		}
	}
	if got := slices.Collect(b.All()); !slices.Equal(got, rows) {
		t.Errorf("%s of %d rows: All yields %v, want %v", what, len(model), got, rows)
	}
	if b.Count() != len(rows) || b.Empty() != (len(rows) == 0) || b.Len() != len(model) {
		t.Errorf("%s: Count %d, Empty %v, Len %d of %d rows with %d in the set", what, b.Count(), b.Empty(), b.Len(), len(model), len(rows))
	}
}

func TestOperations(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	operations := []struct {
		name  string
		do    func(a, b Bitmap)
		model func(a, b bool) bool
	}{
		{"And", Bitmap.And, func(a, b bool) bool { return a && b }},
		{"AndNot", Bitmap.AndNot, func(a, b bool) bool { return a && !b }},
		{"Or", Bitmap.Or, func(a, b bool) bool { return a || b }},
		{"Not", func(a, _ Bitmap) { a.Not() }, func(a, _ bool) bool { return !a }},
	}
	for _, n := range lengths {
		for _, op := range operations {
			a, modelA := random(r, n)
			b, modelB := random(r, n)
			before := a.Clone()
			op.do(a, b)
			want := make([]bool, n)
			for i := range want {
				want[i] = op.model(modelA[i], modelB[i])
			}
			compare(t, op.name, a, want)
			compare(t, op.name+", other", b, modelB)
			compare(t, op.name+", clone", before, modelA)
			if a.Equal(before) != slices.Equal(want, modelA) {
				t.Errorf("%s: Equal is %v", op.name, a.Equal(before))
			}
		}
		compare(t, "Full", Full(n), slices.Repeat([]bool{true}, n))
	}
}

func TestClear(t *testing.T) {
	b := Full(70)
	b.Clear(0)
	b.Clear(69)
	if b.Count() != 68 || b.Has(0) || b.Has(69) || !b.Has(1) {
		t.Errorf("holds %v", slices.Collect(b.All()))
	}
}

func TestEqualLengths(t *testing.T) {
	if New(1).Equal(New(2)) {
		t.Error("sets over 1 and 2 rows are equal")
	}
}

func TestStop(t *testing.T) {
	for row := range Full(100).All() {
		if row == 3 {
			break
		}
		if row > 3 {
			t.Fatal("goes on after a break")
		}
	}
}

func TestMisuse(t *testing.T) {
	for name, f := range map[string]func(){
		"row below":  func() { New(3).Set(-1) },
		"row above":  func() { New(3).Has(3) },
		"lengths":    func() { a := New(3); a.And(New(64)) },
		"lengths of": func() { a := New(64); a.Or(New(3)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func BenchmarkAnd(b *testing.B) {
	x, y := Full(16384), Full(16384)
	for b.Loop() {
		x.And(y)
	}
	b.ReportMetric(16384*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func TestAllHolders(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 63, 64, 65, 200} {
		sets := Several(20, n)
		for _, s := range sets {
			for row := range n {
				if random.IntN(4) == 0 {
					s.Set(row)
				}
			}
		}
		var all [][]int
		for from := 0; from < n; from += 64 {
			to := min(from+64, n)
			all = AllHolders(all, sets, from, to)
			if len(all) != to-from {
				t.Fatalf("%d rows, want %d..%d", len(all), from, to)
			}
			for row := from; row < to; row++ {
				if want := Holders(nil, sets, row); !slices.Equal(all[row-from], want) {
					t.Errorf("row %d of %d: %v, want %v", row, n, all[row-from], want)
				}
			}
		}
	}
}
