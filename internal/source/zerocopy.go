package source

import (
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/offer"
)

// share returns values as an array of a type without a look at each, or false
// where converting them one by one could give other values: when types differ, a
// text is empty or not UTF-8, a number or time is out of range. Text that zone readings
// need is never shared unless the zone is UTC. The entries of maps are put in
// order.
func share(mem memory.Allocator, values arrow.Array, t offer.Type, zone *time.Location) (arrow.Array, bool) {
	data, ok := sharing{mem, zone}.data(values, t)
	if !ok {
		return nil, false
	}
	defer data.Release()
	return array.MakeFromData(data), true
}

// A sharing is how values are shared: narrow ones are copied to memory of mem.
type sharing struct {
	mem  memory.Allocator
	zone *time.Location
}

func (s sharing) data(values arrow.Array, t offer.Type) (arrow.ArrayData, bool) {
	if wide, ok := widen(s.mem, values, t); ok {
		defer wide.Release()
		values = wide
	}
	if !shareable(values, t, s.zone) {
		return nil, false
	}
	switch v := values.(type) {
	case *array.List:
		return s.list(v, t.Arrow(), *t.Elem)
	case *array.Map:
		return s.entries(v, t)
	case *array.Struct:
		return s.members(v, t)
	}
	d := values.Data()
	return array.NewData(t.Arrow(), d.Len(), d.Buffers(), nil, d.NullN(), d.Offset()), true
}

func (s sharing) list(v *array.List, typ arrow.DataType, elem offer.Type) (arrow.ArrayData, bool) {
	values, ok := s.data(v.ListValues(), elem)
	if !ok {
		return nil, false
	}
	defer values.Release()
	d := v.Data()
	return array.NewData(typ, d.Len(), d.Buffers(), []arrow.ArrayData{values}, d.NullN(), d.Offset()), true
}

func (s sharing) entries(v *array.Map, t offer.Type) (arrow.ArrayData, bool) {
	items, ok := s.data(v.Items(), *t.Elem)
	if !ok {
		return nil, false
	}
	defer items.Release()
	typ, d := t.Arrow().(*arrow.MapType), v.Data()
	if !orderedKeys(v) {
		values := array.MakeFromData(items)
		defer values.Release()
		return s.ordered(v, values, typ), true
	}
	children := pairs(typ, v.Keys().Data(), items)
	defer children[0].Release()
	return array.NewData(typ, d.Len(), d.Buffers(), children, d.NullN(), d.Offset()), true
}

// pairs returns the child of a map.
func pairs(typ *arrow.MapType, keys, items arrow.ArrayData) []arrow.ArrayData {
	return []arrow.ArrayData{array.NewData(typ.Elem(), keys.Len(), []*memory.Buffer{nil}, []arrow.ArrayData{keys, items}, 0, 0)}
}

func (s sharing) members(v *array.Struct, t offer.Type) (arrow.ArrayData, bool) {
	var members []arrow.ArrayData
	defer func() {
		for _, m := range members {
			m.Release()
		}
	}()
	for i, f := range t.Fields {
		m, ok := s.data(v.Field(i), f.Type)
		if !ok {
			return nil, false
		}
		members = append(members, m)
	}
	d := v.Data()
	return array.NewData(t.Arrow(), d.Len(), d.Buffers(), members, d.NullN(), d.Offset()), true
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
	case *array.Map:
		return t.Kind == offer.Map && cleanKeys(v)
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
