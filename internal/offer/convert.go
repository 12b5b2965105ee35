package offer

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// A Conversion says how texts and numbers of a source are read.
type Conversion struct {
	Layout string         // of times: empty (RFC 3339), Unix, UnixMilli or a Go layout
	Zone   *time.Location // of times that name none; nil: UTC
	Comma  bool           // numbers in texts have a decimal comma
}

// A ConversionError is why a value does not fit a type.
type ConversionError struct {
	Reason string
}

func (e *ConversionError) Error() string { return e.Reason }

func refuse(format string, args ...any) error {
	return &ConversionError{Reason: fmt.Sprintf(format, args...)}
}

// An Appender converts values to one type and appends them to a builder of the
// type's Arrow form. Null and empty text are null in every type; around a text
// that is to become anything but a string, space does not count. Whichever
// method returns a *ConversionError has appended nothing.
//
//   - string: from text in UTF-8, and from numbers, bools and times as the
//     shortest text that stands for them, times as RFC 3339 in UTC.
//   - bool: from 1, 0, true, false, yes, no in any case, and the numbers 1 and 0.
//   - int: from a number without a fraction; from text such as -12 or 2008.0,
//     never with an exponent; from doubles up to 2^53.
//   - double: from a finite number.
//   - decimal: from text exactly: more digits than the type has are refused;
//     from a double by rounding its shortest decimal form half away from zero.
//   - timestamp, date: from text and numbers by the layout. RFC 3339 here may
//     leave out the zone, the seconds or the time, and have a space for the T.
//     Digits below a microsecond are cut. A date is the day in the zone.
//   - list, map, struct: from such values, or from JSON text. A struct takes its
//     fields by name; absent ones are null, others are ignored.
//
// An Appender is safe for concurrent use with different builders.
type Appender struct {
	t      Type
	c      Conversion
	point  byte
	limit  int64 // of a decimal: the least number of units too large
	elem   *Appender
	fields []*Appender
}

// NewAppender returns the appender for a type.
func NewAppender(t Type, c Conversion) *Appender {
	a := &Appender{t: t, c: c, point: '.'}
	if c.Zone == nil {
		a.c.Zone = time.UTC
	}
	if c.Comma {
		a.point = ','
	}
	if t.Kind == Decimal {
		a.limit = int64(pow10(int(t.Precision)))
	}
	if t.Elem != nil {
		a.elem = NewAppender(*t.Elem, c)
	}
	for _, f := range t.Fields {
		a.fields = append(a.fields, NewAppender(f.Type, c))
	}
	return a
}

// Append converts a plain value: nil, bool, int64, uint64, float64, Number,
// string, []byte, time.Time, []any or map[string]any.
func (a *Appender) Append(b array.Builder, v any) error {
	switch v := v.(type) {
	case nil:
		b.AppendNull()
		return nil
	case string:
		return a.AppendText(b, unsafe.Slice(unsafe.StringData(v), len(v)))
	case []byte:
		return a.AppendText(b, v)
	case int64:
		return a.AppendInt(b, v)
	case float64:
		return a.AppendDouble(b, v)
	case time.Time:
		return a.AppendTime(b, v)
	default:
		return a.appendExact(b, v)
	}
}

// AppendText converts text, which it does not keep.
func (a *Appender) AppendText(b array.Builder, text []byte) error {
	if a.t.Kind == String {
		return appendString(b.(*array.StringBuilder), text)
	}
	text = trimSpace(text)
	if len(text) == 0 {
		b.AppendNull()
		return nil
	}
	switch a.t.Kind {
	case Bool:
		v, err := boolText(text)
		return appendTo(b.(*array.BooleanBuilder), v, err)
	case Int:
		v, err := a.intText(text)
		return appendTo(b.(*array.Int64Builder), v, err)
	case Double:
		v, err := a.doubleText(text)
		return appendTo(b.(*array.Float64Builder), v, err)
	case Decimal:
		v, err := a.decimalText(text)
		return appendTo(b.(*array.Decimal128Builder), v, err)
	case Timestamp:
		v, err := a.timestampText(text)
		return appendTo(b.(*array.TimestampBuilder), v, err)
	case Date:
		v, err := a.dateText(text)
		return appendTo(b.(*array.Date32Builder), v, err)
	default:
		return a.appendExact(b, text)
	}
}

// AppendInt converts an int.
func (a *Appender) AppendInt(b array.Builder, v int64) error {
	switch a.t.Kind {
	case Int:
		b.(*array.Int64Builder).Append(v)
		return nil
	case Double:
		b.(*array.Float64Builder).Append(float64(v))
		return nil
	case Decimal:
		units, err := a.decimalInt(v)
		return appendTo(b.(*array.Decimal128Builder), units, err)
	case Timestamp:
		at, err := a.timestampInt(v)
		return appendTo(b.(*array.TimestampBuilder), at, err)
	default:
		return a.appendExact(b, v)
	}
}

// AppendDouble converts a double.
func (a *Appender) AppendDouble(b array.Builder, v float64) error {
	switch a.t.Kind {
	case Double:
		b.(*array.Float64Builder).Append(v)
		return nil
	case Int:
		n, err := intDouble(v)
		return appendTo(b.(*array.Int64Builder), n, err)
	case Decimal:
		units, err := a.decimalDouble(v)
		return appendTo(b.(*array.Decimal128Builder), units, err)
	default:
		return a.appendExact(b, v)
	}
}

// AppendTime converts a point in time, or a Wall clock reading or Day.
func (a *Appender) AppendTime(b array.Builder, v time.Time) error {
	switch a.t.Kind {
	case Timestamp:
		at, err := a.timestampTime(v)
		return appendTo(b.(*array.TimestampBuilder), at, err)
	case Date:
		day, err := a.dateTime(v)
		return appendTo(b.(*array.Date32Builder), day, err)
	default:
		return a.appendExact(b, v)
	}
}

// AppendUnits converts the decimal number units / 10^scale, scale from 0 to 18.
func (a *Appender) AppendUnits(b array.Builder, units int64, scale int32) error {
	if a.t.Kind == Decimal {
		v, err := a.decimalUnits(units, scale)
		return appendTo(b.(*array.Decimal128Builder), v, err)
	}
	return a.appendExact(b, NumberOf(units, scale))
}

type builderOf[T any] interface{ Append(T) }

func appendTo[T any, B builderOf[T]](b B, v T, err error) error {
	if err != nil {
		return err
	}
	b.Append(v)
	return nil
}

func (a *Appender) appendExact(b array.Builder, v any) error {
	exact, err := a.exact(v)
	if err != nil {
		return err
	}
	a.put(b, exact)
	return nil
}

// exact converts a value to the one Go form that put takes for the type: nil,
// string, bool, int64, float64, decimal128.Num, arrow.Timestamp, arrow.Date32,
// []any for list and struct, []entry for map.
func (a *Appender) exact(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if text, ok := textOf(v); ok {
		return a.exactText(text)
	}
	switch a.t.Kind {
	case String:
		return orNil(stringOf(v))
	case Bool:
		return orNil(boolOf(v))
	case Int:
		return orNil(a.intOf(v))
	case Double:
		return orNil(a.doubleOf(v))
	case Decimal:
		return orNil(a.decimalOf(v))
	case Timestamp:
		return orNil(a.timestampOf(v))
	case Date:
		return orNil(a.dateOf(v))
	case List:
		return a.list(v)
	case Map:
		return a.mapping(v)
	default:
		return a.structure(v)
	}
}

func textOf(v any) ([]byte, bool) {
	switch v := v.(type) {
	case string:
		return []byte(v), true
	case []byte:
		return v, true
	default:
		return nil, false
	}
}

// orNil keeps the zero value of a failed conversion from looking like a value.
func orNil[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (a *Appender) exactText(text []byte) (any, error) {
	if a.t.Kind == String {
		return exactString(text)
	}
	text = trimSpace(text)
	if len(text) == 0 {
		return nil, nil
	}
	switch a.t.Kind {
	case Bool:
		return orNil(boolText(text))
	case Int:
		return orNil(a.intText(text))
	case Double:
		return orNil(a.doubleText(text))
	case Decimal:
		return orNil(a.decimalText(text))
	case Timestamp:
		return orNil(a.timestampText(text))
	case Date:
		return orNil(a.dateText(text))
	default:
		return a.nestedText(text)
	}
}

func (a *Appender) put(b array.Builder, exact any) {
	switch v := exact.(type) {
	case nil:
		b.AppendNull()
	case string:
		b.(*array.StringBuilder).Append(v)
	case bool:
		b.(*array.BooleanBuilder).Append(v)
	case int64:
		b.(*array.Int64Builder).Append(v)
	case float64:
		b.(*array.Float64Builder).Append(v)
	case decimalUnits:
		b.(*array.Decimal128Builder).Append(v)
	case arrow.Timestamp:
		b.(*array.TimestampBuilder).Append(v)
	case arrow.Date32:
		b.(*array.Date32Builder).Append(v)
	default:
		a.putNested(b, exact)
	}
}
