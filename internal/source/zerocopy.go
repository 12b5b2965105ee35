package source

import (
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/offer"
)

// share returns values as an array of a type without a copy, or false where
// converting them one by one could give other values: when types differ, a text
// is empty or not UTF-8, a number or time is out of range. Text that zone
// readings need is never shared unless the zone is UTC.
func share(values arrow.Array, t offer.Type, zone *time.Location) (arrow.Array, bool) {
	data, ok := shareData(values, t, zone)
	if !ok {
		return nil, false
	}
	defer data.Release()
	return array.MakeFromData(data), true
}

func shareData(values arrow.Array, t offer.Type, zone *time.Location) (arrow.ArrayData, bool) {
	if !shareable(values, t, zone) {
		return nil, false
	}
	var children []arrow.ArrayData
	defer func() {
		for _, c := range children {
			c.Release()
		}
	}()
	for i, child := range childrenOf(values) {
		data, ok := shareData(child, childType(t, i), zone)
		if !ok {
			return nil, false
		}
		children = append(children, data)
	}
	d := values.Data()
	return array.NewData(t.Arrow(), d.Len(), d.Buffers(), children, d.NullN(), d.Offset()), true
}

// childrenOf returns the arrays that stand in the array data of values.
func childrenOf(values arrow.Array) []arrow.Array {
	switch v := values.(type) {
	case *array.List:
		return []arrow.Array{v.ListValues()}
	case *array.Struct:
		out := make([]arrow.Array, v.NumField())
		for i := range out {
			out[i] = v.Field(i)
		}
		return out
	default:
		return nil
	}
}

func childType(t offer.Type, i int) offer.Type {
	if t.Kind == offer.List {
		return *t.Elem
	}
	return t.Fields[i].Type
}

// shareable looks at values, not at what stands in them.
func shareable(values arrow.Array, t offer.Type, zone *time.Location) bool {
	switch v := values.(type) {
	case *array.String:
		return t.Kind == offer.String && cleanTexts(v)
	case *array.Boolean:
		return t.Kind == offer.Bool
	case *array.Int64:
		return t.Kind == offer.Int
	case *array.Float64:
		return t.Kind == offer.Double
	case *array.Decimal128:
		return t.Kind == offer.Decimal && arrow.TypeEqual(v.DataType(), t.Arrow()) && cleanDecimals(v, t.Precision)
	case *array.Timestamp:
		typ := v.DataType().(*arrow.TimestampType)
		return t.Kind == offer.Timestamp && typ.Unit == arrow.Microsecond && (typ.TimeZone != "" || zone == time.UTC) && cleanTimes(v)
	case *array.Date32:
		return t.Kind == offer.Date && cleanDates(v)
	case *array.List:
		return t.Kind == offer.List
	case *array.Struct:
		return t.Kind == offer.Struct && v.Data().Offset() == 0 && sameFields(v.DataType().(*arrow.StructType), t)
	default:
		return false
	}
}

func cleanTexts(v *array.String) bool {
	offsets, first := v.ValueOffsets(), 0
	if v.Len() == 0 {
		return true
	}
	all := v.ValueBytes()
	if !utf8.Valid(all) {
		return false
	}
	first = int(offsets[0])
	for i := range v.Len() {
		from, to := int(offsets[i])-first, int(offsets[i+1])-first
		if from == to && v.IsValid(i) || from < len(all) && !utf8.RuneStart(all[from]) {
			return false
		}
	}
	return true
}

func cleanDecimals(v *array.Decimal128, precision int32) bool {
	for i := range v.Len() {
		if v.IsValid(i) && !v.Value(i).FitsInPrecision(precision) {
			return false
		}
	}
	return true
}

// The years 1 to 9999, which all times are in.
var (
	firstMicro = arrow.Timestamp(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	afterMicro = arrow.Timestamp(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	firstDay   = arrow.Date32FromTime(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))
	afterDay   = arrow.Date32FromTime(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
)

func cleanTimes(v *array.Timestamp) bool {
	for i, at := range v.TimestampValues() {
		if (at < firstMicro || at >= afterMicro) && v.IsValid(i) {
			return false
		}
	}
	return true
}

func cleanDates(v *array.Date32) bool {
	for i, at := range v.Date32Values() {
		if (at < firstDay || at >= afterDay) && v.IsValid(i) {
			return false
		}
	}
	return true
}

func sameFields(s *arrow.StructType, t offer.Type) bool {
	if s.NumFields() != len(t.Fields) {
		return false
	}
	for i, f := range t.Fields {
		if s.Field(i).Name != f.Name {
			return false
		}
	}
	return true
}
