package parquetio_test

import (
	"context"
	"io"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/parquetio/encodedtest"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// TestEncoded reads texts as dictionaries, at every level, and compares what they
// hold with what was written.
func TestEncoded(t *testing.T) {
	schema, met := everything(t), map[string]bool{}
	for _, rows := range []int{300, 1000, 1001, 5000} {
		alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
		store := mem.New()
		batch := randomBatch(alloc, schema, rows, uint64(rows))
		writeAll(t, store, "rows", schema, parquetio.Options{Alloc: alloc, RowGroupRows: 1000, NoDictionary: []string{"id", "title"}}, batch)
		s := open(t, store, "rows", parquetio.ReadOptions{Alloc: alloc, BatchRows: 300, Encoded: true}).Scan(context.Background(), nil)
		at := int64(0)
		for {
			encoded, err := s.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			plain := decodedBatch(schema, encoded, met)
			if err := compareBatch(plain, batch, at); err != nil {
				t.Error(err)
			}
			at += plain.NumRows()
			plain.Release()
			encoded.Release()
		}
		if at != batch.NumRows() {
			t.Errorf("%d rows of %d", at, batch.NumRows())
		}
		s.Close()
		batch.Release()
		alloc.AssertSize(t, 0)
	}
	if len(met) != 6 || !met["brand"] || !met["shop"] || !met["tags"] || !met["attr"] || !met["offers"] || !met["deep"] {
		t.Errorf("dictionaries in %v", met)
	}
}

// decodedBatch returns a batch without dictionaries, and notes which columns had any.
func decodedBatch(schema *arrow.Schema, batch arrow.RecordBatch, met map[string]bool) arrow.RecordBatch {
	columns := make([]arrow.Array, batch.NumCols())
	for i, c := range batch.Columns() {
		name := schema.Field(i).Name
		data := decodedData(c.Data(), func() { met[name] = true })
		columns[i] = array.MakeFromData(data)
		data.Release()
		defer columns[i].Release()
	}
	return array.NewRecordBatch(schema, columns, batch.NumRows())
}

func decodedData(data arrow.ArrayData, met func()) arrow.ArrayData {
	if data.DataType().ID() == arrow.DICTIONARY {
		met()
		encoded := array.NewDictionaryData(data)
		defer encoded.Release()
		b := array.NewStringBuilder(memory.DefaultAllocator)
		defer b.Release()
		for i := range encoded.Len() {
			if encoded.IsNull(i) {
				b.AppendNull()
				continue
			}
			b.Append(encoded.Dictionary().(*array.String).Value(encoded.GetValueIndex(i)))
		}
		plain := b.NewArray()
		defer plain.Release()
		plain.Data().Retain()
		return plain.Data()
	}
	var children []arrow.ArrayData
	for _, c := range data.Children() {
		child := decodedData(c, met)
		children = append(children, child)
		defer child.Release()
	}
	return array.NewData(encodedtest.TypeOf(data.DataType(), children), data.Len(), data.Buffers(), children, data.NullN(), data.Offset())
}
