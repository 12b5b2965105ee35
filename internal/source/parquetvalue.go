package source

import (
	"fmt"
	"math"
	"strconv"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"

	"github.com/feedmill/feedmill/internal/offer"
)

// plainAt returns the i-th value of any array as a plain value that keeps
// nothing of the array. Texts and binaries are strings, small numbers int64 or
// float64, decimals Numbers, dates and timestamps without a zone times in
// offer.Day and offer.Wall, times of the day texts, structs and maps objects.
func plainAt(values arrow.Array, i int) any {
	if values.IsNull(i) {
		return nil
	}
	switch v := values.(type) {
	case *array.Null:
		return nil
	case *array.Boolean:
		return v.Value(i)
	case *array.Struct:
		return plainStruct(v, i)
	case *array.Map:
		return plainMap(v, i)
	case array.ListLike:
		return plainList(v, i)
	case *array.Dictionary:
		return plainAt(v.Dictionary(), v.GetValueIndex(i))
	case *extensions.UUIDArray:
		return v.Value(i).String()
	case array.ExtensionArray:
		return plainAt(v.Storage(), i)
	}
	if text, ok := textAt(values, i); ok {
		return string(text)
	}
	if n, ok := intAt(values, i); ok {
		return n
	}
	if f, ok := doubleAt(values, i); ok {
		return f
	}
	if n, ok := numberAt(values, i); ok {
		return n
	}
	if t, ok := timeAt(values, i); ok {
		return t
	}
	return otherAt(values, i)
}

func otherAt(values arrow.Array, i int) any {
	switch v := values.(type) {
	case *array.Uint64:
		return v.Value(i)
	case *array.Time32:
		return v.Value(i).FormattedString(v.DataType().(*arrow.Time32Type).Unit)
	case *array.Time64:
		return v.Value(i).FormattedString(v.DataType().(*arrow.Time64Type).Unit)
	case *array.Duration:
		return time.Duration(v.Value(i)) * v.DataType().(*arrow.DurationType).Unit.Multiplier()
	default:
		return v.ValueStr(i)
	}
}

// textAt returns a view of a text or binary.
func textAt(values arrow.Array, i int) ([]byte, bool) {
	switch v := values.(type) {
	case *array.String:
		return view(v.Value(i)), true
	case *array.LargeString:
		return view(v.Value(i)), true
	case *array.StringView:
		return view(v.Value(i)), true
	case *array.Binary:
		return v.Value(i), true
	case *array.LargeBinary:
		return v.Value(i), true
	case *array.BinaryView:
		return v.Value(i), true
	case *array.FixedSizeBinary:
		return v.Value(i), true
	default:
		return nil, false
	}
}

// view returns the bytes of a text, which nobody may change.
func view(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

func intAt(values arrow.Array, i int) (int64, bool) {
	switch v := values.(type) {
	case *array.Int64:
		return v.Value(i), true
	case *array.Int32:
		return int64(v.Value(i)), true
	case *array.Int16:
		return int64(v.Value(i)), true
	case *array.Int8:
		return int64(v.Value(i)), true
	case *array.Uint32:
		return int64(v.Value(i)), true
	case *array.Uint16:
		return int64(v.Value(i)), true
	case *array.Uint8:
		return int64(v.Value(i)), true
	case *array.Uint64:
		return int64(v.Value(i)), v.Value(i) <= math.MaxInt64
	default:
		return 0, false
	}
}

func doubleAt(values arrow.Array, i int) (float64, bool) {
	switch v := values.(type) {
	case *array.Float64:
		return v.Value(i), true
	case *array.Float32:
		return float64(v.Value(i)), true
	case *array.Float16:
		return float64(v.Value(i).Float32()), true
	default:
		return 0, false
	}
}

func numberAt(values arrow.Array, i int) (offer.Number, bool) {
	if units, scale, ok := unitsAt(values, i); ok {
		return offer.NumberOf(units, scale), true
	}
	switch v := values.(type) {
	case *array.Decimal128:
		return offer.Number(v.Value(i).ToString(v.DataType().(arrow.DecimalType).GetScale())), true
	case *array.Decimal256:
		return offer.Number(v.Value(i).ToString(v.DataType().(arrow.DecimalType).GetScale())), true
	default:
		return "", false
	}
}

// unitsAt returns a decimal whose units fit 64 bits.
func unitsAt(values arrow.Array, i int) (units int64, scale int32, ok bool) {
	switch v := values.(type) {
	case *array.Decimal32:
		units, ok = int64(v.Value(i)), true
	case *array.Decimal64:
		units, ok = int64(v.Value(i)), true
	case *array.Decimal128:
		n := v.Value(i)
		units = int64(n.LowBits())
		ok = n.HighBits() == units>>63
	}
	if ok {
		scale = values.DataType().(arrow.DecimalType).GetScale()
	}
	return units, scale, ok && scale >= 0
}

func timeAt(values arrow.Array, i int) (time.Time, bool) {
	switch v := values.(type) {
	case *array.Timestamp:
		t := v.DataType().(*arrow.TimestampType)
		if at := v.Value(i).ToTime(t.Unit); t.TimeZone != "" {
			return at, true
		} else {
			return at.In(offer.Wall), true
		}
	case *array.Date32:
		return v.Value(i).ToTime().In(offer.Day), true
	case *array.Date64:
		return v.Value(i).ToTime().In(offer.Day), true
	default:
		return time.Time{}, false
	}
}

func plainStruct(v *array.Struct, i int) any {
	t := v.DataType().(*arrow.StructType)
	members := make(map[string]any, v.NumField())
	for f := range v.NumField() {
		members[t.Field(f).Name] = plainAt(v.Field(f), i)
	}
	return members
}

func plainList(v array.ListLike, i int) any {
	from, to := v.ValueOffsets(i)
	items := make([]any, 0, to-from)
	for at := from; at < to; at++ {
		items = append(items, plainAt(v.ListValues(), int(at)))
	}
	return items
}

func plainMap(v *array.Map, i int) any {
	from, to := v.ValueOffsets(i)
	members := make(map[string]any, to-from)
	for at := int(from); at < int(to); at++ {
		members[keyText(plainAt(v.Keys(), at))] = plainAt(v.Items(), at)
	}
	return members
}

// keyText returns a map's key as a text.
func keyText(key any) string {
	switch k := key.(type) {
	case string:
		return k
	case int64:
		return strconv.FormatInt(k, 10)
	case offer.Number:
		return string(k)
	default:
		return fmt.Sprint(k)
	}
}
