package source

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/offer"
)

// widen copies ints of 32 bits to such of 64, and times in seconds or
// milliseconds to such in microseconds, where a type wants them. Times that are
// out of range are left to the conversion of each value.
func widen(mem memory.Allocator, values arrow.Array, t offer.Type) (arrow.Array, bool) {
	switch v := values.(type) {
	case *array.Int32:
		if t.Kind == offer.Int {
			return widened(mem, v, v.Int32Values(), arrow.PrimitiveTypes.Int64, 1), true
		}
	case *array.Timestamp:
		typ := v.DataType().(*arrow.TimestampType)
		factor := int64(typ.Unit.Multiplier() / time.Microsecond)
		if t.Kind == offer.Timestamp && factor > 1 && inYears(v, factor) {
			micros := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: typ.TimeZone}
			return widened(mem, v, v.TimestampValues(), micros, factor), true
		}
	}
	return nil, false
}

// inYears reports whether all times are in the years that times may be in.
func inYears(v *array.Timestamp, factor int64) bool {
	first, after := int64(firstMicro)/factor, int64(afterMicro)/factor
	for i, at := range v.TimestampValues() {
		if (int64(at) < first || int64(at) >= after) && v.IsValid(i) {
			return false
		}
	}
	return true
}

func widened[T ~int32 | ~int64](mem memory.Allocator, v arrow.Array, values []T, typ arrow.DataType, factor int64) arrow.Array {
	buffer := memory.NewResizableBuffer(mem)
	defer buffer.Release()
	buffer.Resize(8 * len(values))
	wide := arrow.Int64Traits.CastFromBytes(buffer.Bytes())
	for i, n := range values {
		wide[i] = int64(n) * factor
	}
	validity := validityOf(mem, v)
	defer validity.Release()
	data := array.NewData(typ, v.Len(), []*memory.Buffer{validity, buffer}, nil, v.NullN(), 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// validityOf copies the validity of an array to a bitmap that begins with it.
func validityOf(mem memory.Allocator, v arrow.Array) *memory.Buffer {
	out := memory.NewResizableBuffer(mem)
	out.Resize(int(bitutil.BytesForBits(int64(v.Len()))))
	if v.NullN() == 0 {
		memory.Set(out.Bytes(), 0xff)
		return out
	}
	clear(out.Bytes())
	bitutil.CopyBitmap(v.NullBitmapBytes(), v.Data().Offset(), v.Len(), out.Bytes(), 0)
	return out
}

// withNulls returns an array with more nulls, at some of its rows.
func withNulls(mem memory.Allocator, v arrow.Array, rows []int) arrow.Array {
	d := v.Data()
	validity := memory.NewResizableBuffer(mem)
	defer validity.Release()
	validity.Resize(int(bitutil.BytesForBits(int64(d.Offset() + d.Len()))))
	bits, nulls := validity.Bytes(), v.NullN()
	memory.Set(bits, 0xff)
	if nulls > 0 {
		bitutil.CopyBitmap(v.NullBitmapBytes(), d.Offset(), d.Len(), bits, d.Offset())
	}
	for _, row := range rows {
		if v.IsValid(row) {
			bitutil.ClearBit(bits, d.Offset()+row)
			nulls++
		}
	}
	buffers := append([]*memory.Buffer{validity}, d.Buffers()[1:]...)
	data := array.NewData(d.DataType(), d.Len(), buffers, d.Children(), nulls, d.Offset())
	defer data.Release()
	return array.MakeFromData(data)
}
