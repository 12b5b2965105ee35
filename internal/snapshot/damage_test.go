package snapshot_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

var seed = flag.Uint64("seed", 0, "of the random damages; 0: another one each time")

// sample returns rows of nested columns in the order of a table.
func sample(t testing.TB, table snapshot.Table, count int) arrow.RecordBatch {
	t.Helper()
	var text strings.Builder
	for i, key := range sortedKeys(count, 6) {
		fmt.Fprintf(&text, `{"id": %q, "title": "Cake number %d of %d", "brand": "brand-%d", "price": "%d.%02d", "seen": %d, "stock": %d,
			"rating": %d.5, "sale": %t, "tags": ["a%d", "b", null], "shop": {"name": "shop %d", "at": [%d, %d]}, "attr": [{"key": "k", "value": "%d"}]}`,
			key, i, count, i%7, i, i%100, 1_700_000_000_000_000+i*i, i*i%977, i%5, i%3 == 0, i%11, i%13, i, i+1, i%17)
	}
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, table.Columns(), strings.NewReader("["+strings.ReplaceAll(text.String(), "}{", "},{")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func sampleTable(t testing.TB) snapshot.Table {
	return snapshot.Offers("r1", 1, schema(t, "id:string", "title:string", "brand:string", "price:decimal(12,2)", "seen:timestamp", "stock:int",
		"rating:double", "sale:bool", "tags:list(string)", "shop:struct{name: string, at: list(int)}", "attr:map(string)"))
}

func writeBatch(t testing.TB, store storage.Store, table snapshot.Table, batch arrow.RecordBatch) {
	t.Helper()
	w, err := snapshot.Create(ctx, store, table, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := w.Write(batch); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

var errOtherRows = errors.New("other rows than were written")

// readSame reads a table of one partition and compares every value.
func readSame(store storage.Store, want arrow.RecordBatch) error {
	s, err := snapshot.OpenRun(ctx, store, snapshot.Prefix, "r1", 1, nil)
	if err != nil {
		return err
	}
	scan, err := s.Partition(ctx, 0, nil)
	if err != nil {
		return err
	}
	defer scan.Close()
	var at int64
	for {
		batch, err := scan.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		end := at + batch.NumRows()
		if end > want.NumRows() || !array.RecordEqual(batch, want.NewSlice(at, end)) {
			return errOtherRows
		}
		at = end
	}
	if at != want.NumRows() {
		return errOtherRows
	}
	return nil
}

// damage changes data at random and says how.
func damage(random *rand.Rand, data []byte) ([]byte, string) {
	out := bytes.Clone(data)
	at := random.IntN(len(out))
	if random.IntN(3) == 0 { // near the end is the footer, where much depends on each byte
		at = len(out) - 1 - random.IntN(min(len(out), 4096))
	}
	switch length := 1 + random.IntN(min(len(out)-at, 2000)); random.IntN(5) {
	case 0:
		out[at] ^= 1 << random.IntN(8)
		return out, fmt.Sprintf("a bit flipped at %d", at)
	case 1:
		out[at] ^= byte(1 + random.IntN(255))
		return out, fmt.Sprintf("a byte changed at %d", at)
	case 2:
		return out[:at], fmt.Sprintf("cut at %d", at)
	case 3:
		clear(out[at : at+length])
		return out, fmt.Sprintf("%d zeros at %d", length, at)
	default:
		return append(out[:at], out[at+length:]...), fmt.Sprintf("%d bytes taken out at %d", length, at)
	}
}

// TestDamage damages 300 partitions. Each gives an error that names it, or
// exactly the rows that were written.
func TestDamage(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("-seed %d", *seed)
	random := rand.New(rand.NewPCG(*seed, 0))
	store := mem.New()
	table := sampleTable(t)
	name := table.Name(0)
	batch := sample(t, table, 1500)
	writeBatch(t, store, table, batch)
	if err := readSame(store, batch); err != nil {
		t.Fatal(err)
	}
	data, err := storage.ReadAll(ctx, store, name)
	if err != nil {
		t.Fatal(err)
	}
	noticed := 0
	for range 300 {
		damaged, how := damage(random, data)
		if err := storage.WriteAll(ctx, store, name, storage.Replace, damaged); err != nil {
			t.Fatal(err)
		}
		switch err := readSame(store, batch); {
		case err == nil:
			if len(damaged) != len(data) {
				t.Errorf("%s was not noticed", how)
			}
		case errors.Is(err, errOtherRows) || !strings.Contains(err.Error(), name):
			t.Errorf("%s: %v", how, err)
		default:
			noticed++
		}
	}
	t.Logf("%d of 300 damages gave an error", noticed)
	if noticed < 250 {
		t.Errorf("only %d of 300 damages gave an error", noticed)
	}
}

// TestEveryByte changes each byte of a small partition.
func TestEveryByte(t *testing.T) {
	store := mem.New()
	table := sampleTable(t)
	batch := sample(t, table, 20)
	writeBatch(t, store, table, batch)
	data, err := storage.ReadAll(ctx, store, table.Name(0))
	if err != nil {
		t.Fatal(err)
	}
	for at := range data {
		damaged := bytes.Clone(data)
		damaged[at] ^= byte(1 + at%255)
		if err := storage.WriteAll(ctx, store, table.Name(0), storage.Replace, damaged); err != nil {
			t.Fatal(err)
		}
		err := readSame(store, batch)
		if err == nil && at >= 4 { // nobody needs the magic at the beginning
			t.Errorf("byte %d of %d was changed without notice", at, len(data))
		}
		if err != nil && (errors.Is(err, errOtherRows) || !strings.Contains(err.Error(), table.Name(0))) {
			t.Errorf("byte %d of %d: %v", at, len(data), err)
		}
	}
}
