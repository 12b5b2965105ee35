package parquetio_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// foreign returns a file that another program could have written.
func foreign(t *testing.T, batch arrow.RecordBatch) []byte {
	t.Helper()
	var out bytes.Buffer
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithMaxRowGroupLength(1000), parquet.WithDataPageSize(2000))
	w, err := pqarrow.NewFileWriter(batch.Schema(), &out, properties, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(batch); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func put(t *testing.T, store storage.Store, name string, data []byte) {
	t.Helper()
	if err := storage.WriteAll(context.Background(), store, name, storage.Replace, data); err != nil {
		t.Fatal(err)
	}
}

func readBack(store storage.Store, name string, options parquetio.ReadOptions, want arrow.RecordBatch) error {
	r, err := parquetio.Open(context.Background(), store, name, options)
	if err != nil {
		return err
	}
	defer r.Close()
	s := r.Scan(context.Background(), nil)
	defer s.Close()
	return compare(s, want)
}

// TestForeign reads files without digests, held and streamed.
func TestForeign(t *testing.T) {
	store := mem.New()
	batch := randomBatch(memory.DefaultAllocator, everything(t), 3500, 31)
	put(t, store, "x/foreign", foreign(t, batch))
	for _, held := range []int64{0, 1, 1 << 16} {
		alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
		if err := readBack(store, "x/foreign", parquetio.ReadOptions{Alloc: alloc, Held: held}, batch); err != nil {
			t.Errorf("%d bytes held: %v", held, err)
		}
		alloc.AssertSize(t, 0)
	}
	if err := readBack(store, "x/foreign", parquetio.ReadOptions{Protected: true}, batch); err == nil || !strings.Contains(err.Error(), "x/foreign: the object has no digests") {
		t.Errorf("protected: %v", err)
	}
}

// TestForeignDamage damages files without digests: that never ends in a panic,
// and hardly ever in other rows.
func TestForeignDamage(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	store := mem.New()
	batch := randomBatch(memory.DefaultAllocator, everything(t), 3500, 32)
	data := foreign(t, batch)
	var failed, same, other int
	for range 300 {
		damaged := bytes.Clone(data)
		at := random.IntN(len(data))
		switch random.IntN(3) {
		case 0:
			damaged[at] ^= 1 << random.IntN(8)
		case 1:
			clear(damaged[at:min(at+1+random.IntN(500), len(data))])
		default:
			damaged = damaged[:at]
		}
		put(t, store, "x/foreign", damaged)
		switch err := readBack(store, "x/foreign", parquetio.ReadOptions{}, batch); {
		case errors.Is(err, errDiffers):
			other++
		case err == nil:
			same++
		case !strings.Contains(err.Error(), "x/foreign"):
			t.Errorf("damage at %d: %v", at, err)
		default:
			failed++
		}
	}
	t.Logf("of 300 damages %d gave an error, %d the same rows, %d others", failed, same, other)
	if failed < 200 || other > 5 {
		t.Errorf("of 300 damages %d gave an error, %d the same rows, %d others", failed, same, other)
	}
}
