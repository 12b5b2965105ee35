package samples

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/offer"
)

// batchOf makes a batch of offers, given as plain values by column. Texts stay
// what they are, also where they are no UTF-8, which no source lets through.
func batchOf(t testing.TB, schema offer.Schema, offers []map[string]any) arrow.RecordBatch {
	t.Helper()
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema.Arrow())
	defer builder.Release()
	for i, column := range schema {
		for row, o := range offers {
			if err := appendValue(builder.Field(i), column.Type, o[column.Name]); err != nil {
				t.Fatalf("column %s of offer %d: %v", column.Name, row, err)
			}
		}
	}
	return builder.NewRecordBatch()
}

func appendValue(b array.Builder, t offer.Type, v any) error {
	switch v := v.(type) {
	case nil:
		b.AppendNull()
		return nil
	case string:
		if b, ok := b.(*array.StringBuilder); ok {
			b.Append(v)
			return nil
		}
	case []any:
		return appendList(b.(*array.ListBuilder), *t.Elem, v)
	case map[string]any:
		if b, ok := b.(*array.StructBuilder); ok {
			return appendStruct(b, t.Fields, v)
		}
		return appendMap(b.(*array.MapBuilder), *t.Elem, v)
	}
	return offer.NewAppender(t, offer.Conversion{}).Append(b, v)
}

func appendList(b *array.ListBuilder, t offer.Type, list []any) error {
	b.Append(true)
	for _, v := range list {
		if err := appendValue(b.ValueBuilder(), t, v); err != nil {
			return err
		}
	}
	return nil
}

func appendStruct(b *array.StructBuilder, fields []offer.Field, values map[string]any) error {
	b.Append(true)
	for i, f := range fields {
		if err := appendValue(b.FieldBuilder(i), f.Type, values[f.Name]); err != nil {
			return err
		}
	}
	return nil
}

func appendMap(b *array.MapBuilder, t offer.Type, entries map[string]any) error {
	b.Append(true)
	for _, key := range sortedKeys(entries) {
		b.KeyBuilder().(*array.StringBuilder).Append(key)
		if err := appendValue(b.ItemBuilder(), t, entries[key]); err != nil {
			return err
		}
	}
	return nil
}
