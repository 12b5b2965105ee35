package section_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/feedmill/feedmill/internal/section"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// Any stretch of sections is read as it was written, also where some are empty.
func TestSections(t *testing.T) {
	ctx, store := context.Background(), mem.New()
	sections := [][]byte{[]byte("ab"), nil, []byte("c"), {}, bytes.Repeat([]byte("d"), 1000), nil}
	if err := section.Write(ctx, store, "x", sections); err != nil {
		t.Fatal(err)
	}
	for from := range sections {
		for to := from; to <= len(sections); to++ {
			got, err := section.Read(ctx, store, "x", len(sections), from, to)
			if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", sections[from:to]) {
				t.Errorf("%d to %d: %q, %v", from, to, got, err)
			}
		}
	}
}

// Whatever happened to the bytes, what is read is what was written, or an error.
func TestDamage(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	ctx, store := context.Background(), mem.New()
	sections := [][]byte{[]byte("first"), []byte("second"), nil, []byte("the fourth")}
	if err := section.Write(ctx, store, "x", sections); err != nil {
		t.Fatal(err)
	}
	whole, err := storage.ReadAll(ctx, store, "x")
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for range 5000 {
		data := bytes.Clone(whole)
		switch random.IntN(3) {
		case 0:
			data[random.IntN(len(data))] ^= 1 << random.IntN(8)
		case 1:
			data = data[:random.IntN(len(data))]
		default:
			data = append(data, byte(random.IntN(256)))
		}
		if err := storage.WriteAll(ctx, store, "x", storage.Replace, data); err != nil {
			t.Fatal(err)
		}
		from := random.IntN(len(sections))
		to := from + 1 + random.IntN(len(sections)-from)
		got, err := section.Read(ctx, store, "x", len(sections), from, to)
		if err != nil {
			refused++
		} else if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", sections[from:to]) {
			t.Fatalf("of %q sections %d to %d are %q", data, from, to, got)
		}
	}
	if refused < 2000 {
		t.Errorf("only %d of 5000 were refused", refused)
	}
}
