package eval

import (
	"fmt"
	"math"
	"math/bits"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A misfit is an array that is not of the type that the predicates were checked
// for: such a batch is decided row by row.
type misfit struct{ error }

func misfitted(t offer.Type, a arrow.Array) misfit {
	return misfit{fmt.Errorf("a %s column stands where %s is expected", a.DataType(), t)}
}

// read returns the picked rows of an array.
func (m *machine) read(t offer.Type, a arrow.Array, p pick) *vec {
	v := &vec{n: p.n}
	switch t.Kind {
	case offer.String:
		if d, ok := a.(*array.Dictionary); ok {
			v.coded = m.readCodes(d, p, t)
		} else {
			v.texts = m.readTexts(a, p, t)
		}
	case offer.Bool:
		b, ok := a.(*array.Boolean)
		if !ok {
			panic(misfitted(t, a))
		}
		v.ints = readWith(m.ints.take(p.n), p, func(i int) int64 { return toInt(b.Value(i)) })
	case offer.Int:
		v.ints = m.readInts(a, p, t)
	case offer.Double, offer.Decimal:
		v.floats = m.readFloats(a, p, t)
	case offer.Timestamp, offer.Date:
		v.ints, v.nanos = m.readTimes(a, p, t)
	case offer.List, offer.Map:
		v.list = m.readLists(a, p, t)
		if p.at != nil {
			v.state = m.absences(nil, p)
		}
		return v // a list that is null is empty
	case offer.Struct:
		s, ok := a.(*array.Struct)
		if !ok {
			panic(misfitted(t, a))
		}
		v.rows = &structs{s, p}
	}
	v.state = m.absences(a, p)
	return v
}

// absences returns the states of picked rows, nil if all are valid.
func (m *machine) absences(a arrow.Array, p pick) []state {
	var validity []byte // a bit for each row of the array, from its offset on
	if a != nil && a.NullN() > 0 {
		validity = a.NullBitmapBytes()
	}
	if p.at == nil {
		if validity == nil {
			return nil
		}
		return m.absent(validity, a.Data().Offset()+p.lo, p.n)
	}
	out, all := m.states.zeroed(p.n), true
	for i, row := range p.at {
		switch {
		case row < 0:
			out[i], all = failed, false
		case validity != nil && !bitutil.BitIsSet(validity, a.Data().Offset()+int(row)):
			out[i], all = null, false
		}
	}
	if all {
		return nil
	}
	return out
}

// absent returns the states of n rows of which bits say, from one on, whether they
// are not null.
func (m *machine) absent(validity []byte, from, n int) []state {
	out := m.states.zeroed(n)
	for i := 0; i < n; {
		at := from + i
		if at&7 == 0 && i+8 <= n {
			for missing := ^validity[at>>3]; missing != 0; missing &= missing - 1 {
				out[i+bits.TrailingZeros8(missing)] = null
			}
			i += 8
			continue
		}
		if !bitutil.BitIsSet(validity, at) {
			out[i] = null
		}
		i++
	}
	return out
}

// readWith reads the picked rows that are there.
func readWith[T any](dst []T, p pick, at func(int) T) []T {
	if p.at == nil {
		for i := range dst {
			dst[i] = at(p.lo + i)
		}
		return dst
	}
	for i, row := range p.at {
		if row >= 0 {
			dst[i] = at(int(row))
		}
	}
	return dst
}

func (m *machine) readTexts(a arrow.Array, p pick, t offer.Type) []string {
	switch a := a.(type) {
	case *array.String:
		if p.at == nil && p.n > 0 {
			return viewed(m.texts.take(p.n), a.ValueBytes(), a.ValueOffset(0), a.ValueOffsets()[p.lo:])
		}
		return readWith(m.texts.take(p.n), p, a.Value)
	case *array.LargeString:
		return readWith(m.texts.take(p.n), p, a.Value)
	default:
		panic(misfitted(t, a))
	}
}

// viewed returns texts that lie one behind the other in bytes, which begin at the
// first of all; the offsets say where each begins, and the last ends.
func viewed(dst []string, bytes []byte, first int, offsets []int32) []string {
	from := int(offsets[0])
	for i := range dst {
		to := int(offsets[i+1])
		dst[i] = ""
		if from < to {
			dst[i] = unsafe.String(&bytes[from-first], to-from)
		}
		from = to
	}
	return dst
}

func (m *machine) readCodes(a *array.Dictionary, p pick, t offer.Type) *coded {
	in, isText := a.Dictionary().(*array.String)
	indexes, ok := a.Indices().(*array.Int32)
	if !isText || !ok || in.NullN() > 0 {
		panic(misfitted(t, a))
	}
	if p.at == nil {
		return &coded{indexes.Int32Values()[p.lo : p.lo+p.n], in}
	}
	return &coded{readWith(m.rows.take(p.n), p, indexes.Value), in}
}

// decoded gives coded texts what their codes stand for.
func (m *machine) decoded(v *vec) *vec {
	if v.coded == nil || v.texts != nil {
		return v
	}
	v.texts = m.texts.take(v.n)
	for i, code := range v.coded.codes {
		v.texts[i] = ""
		if v.ok(i) {
			v.texts[i] = v.coded.in.Value(int(code))
		}
	}
	return v
}

func (m *machine) readInts(a arrow.Array, p pick, t offer.Type) []int64 {
	switch a := a.(type) {
	case *array.Int64:
		if p.at == nil && p.n > 0 {
			return a.Int64Values()[p.lo : p.lo+p.n]
		}
		return readWith(m.ints.take(p.n), p, a.Value)
	case *array.Int32:
		return readNarrow(m, p, a.Value)
	case *array.Int16:
		return readNarrow(m, p, a.Value)
	case *array.Int8:
		return readNarrow(m, p, a.Value)
	case *array.Uint32:
		return readNarrow(m, p, a.Value)
	case *array.Uint16:
		return readNarrow(m, p, a.Value)
	case *array.Uint8:
		return readNarrow(m, p, a.Value)
	default:
		panic(misfitted(t, a))
	}
}

func readNarrow[T int8 | int16 | int32 | uint8 | uint16 | uint32](m *machine, p pick, at func(int) T) []int64 {
	return readWith(m.ints.take(p.n), p, func(i int) int64 { return int64(at(i)) })
}

func (m *machine) readFloats(a arrow.Array, p pick, t offer.Type) []float64 {
	if t.Kind == offer.Decimal {
		d, ok := a.(*array.Decimal128)
		if !ok {
			panic(misfitted(t, a))
		}
		return readDecimals(m.floats.take(p.n), d, p)
	}
	switch a := a.(type) {
	case *array.Float64:
		if p.at == nil && p.n > 0 {
			return a.Float64Values()[p.lo : p.lo+p.n]
		}
		return readWith(m.floats.take(p.n), p, a.Value)
	case *array.Float32:
		return readWith(m.floats.take(p.n), p, func(i int) float64 { return float64(a.Value(i)) })
	default:
		panic(misfitted(t, a))
	}
}

// readDecimals rounds as predicates do: one division where digits and power are
// exact.
func readDecimals(dst []float64, a *array.Decimal128, p pick) []float64 {
	scale := a.DataType().(*arrow.Decimal128Type).Scale
	if scale < 0 || scale > 22 {
		return readWith(dst, p, func(i int) float64 { return predicate.DecimalDouble(a.Value(i), scale) })
	}
	power := math.Pow10(int(scale))
	return readWith(dst, p, func(i int) float64 {
		v := a.Value(i)
		if low := int64(v.LowBits()); isExact(v, low) {
			return float64(low) / power
		}
		return predicate.DecimalDouble(v, scale)
	})
}

func isExact(v decimal128.Num, low int64) bool {
	const exact = 1 << 53
	return v.HighBits() == low>>63 && -exact <= low && low <= exact
}

func (m *machine) readTimes(a arrow.Array, p pick, t offer.Type) (us, ns []int64) {
	switch a := a.(type) {
	case *array.Timestamp:
		if t.Kind == offer.Timestamp {
			return m.readTimestamps(a, p, t)
		}
	case *array.Date32:
		const most = math.MaxInt64 / 86400_000_000
		if t.Kind == offer.Date {
			return readWith(m.ints.take(p.n), p, func(i int) int64 {
				day := int64(a.Value(i))
				if day > most || day < -most {
					day = checkedTime(day, most, a.IsNull(i))
				}
				return day * 86400_000_000
			}), nil
		}
	}
	panic(misfitted(t, a))
}

func (m *machine) readTimestamps(a *array.Timestamp, p pick, t offer.Type) (us, ns []int64) {
	unit := a.DataType().(*arrow.TimestampType).Unit
	us = m.ints.take(p.n)
	switch unit {
	case arrow.Microsecond:
		return readWith(us, p, func(i int) int64 { return int64(a.Value(i)) }), nil
	case arrow.Nanosecond:
		ns = m.ints.zeroed(p.n)
		for i := range us {
			if row := p.row(i); row >= 0 {
				us[i], ns[i] = micros(a.Value(row).ToTime(unit))
			}
		}
		return us, ns
	default:
		factor := int64(unit.Multiplier() / arrow.Microsecond.Multiplier())
		most := math.MaxInt64 / factor
		return readWith(us, p, func(i int) int64 {
			v := int64(a.Value(i))
			if v > most || v < -most {
				v = checkedTime(v, most, a.IsNull(i))
			}
			return v * factor
		}), nil
	}
}

// checkedTime refuses a time that is more microseconds than 64 bits hold; what
// stands in place of null does not matter.
func checkedTime(v, most int64, isNull bool) int64 {
	if isNull {
		return 0
	}
	panic(misfit{fmt.Errorf("time %d is beyond %d", v, most)})
}

func (m *machine) readLists(a arrow.Array, p pick, t offer.Type) *lists {
	list, ok := a.(array.ListLike)
	maps, isMap := a.(*array.Map)
	if !ok || isMap != (t.Kind == offer.Map) {
		panic(misfitted(t, a))
	}
	l := &lists{start: m.rows.take(p.n), end: m.rows.take(p.n), array: list.ListValues()}
	if isMap {
		if l.keys, ok = maps.Keys().(*array.String); !ok {
			panic(misfitted(t, a))
		}
		l.array = maps.Items()
	}
	for i := range l.start {
		l.start[i], l.end[i] = 0, 0
		row := p.row(i)
		if row < 0 || a.IsNull(row) {
			continue
		}
		start, end := list.ValueOffsets(row)
		if end > math.MaxInt32 {
			panic(misfit{fmt.Errorf("%d elements in one batch", end)})
		}
		l.start[i], l.end[i] = int32(start), int32(end)
	}
	return l
}

func toInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
