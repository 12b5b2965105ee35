package encode

import "github.com/apache/arrow-go/v18/arrow"

// The numbers of Parquet's repetitions and older logical types.
const (
	required = 0
	optional = 1
	repeated = 2

	convertedUTF8      = 0
	convertedMap       = 1
	convertedList      = 3
	convertedDecimal   = 5
	convertedDate      = 6
	convertedTimestamp = 10
	convertedInt32     = 17
	convertedInt64     = 18
)

// schema writes the list of SchemaElements: the tree of fields, parents first.
func (t *thrift) schema(id int16, schema *arrow.Schema) {
	t.list(id, wireStruct, 1+countElements(schema.Fields()))
	t.begin()
	t.text(4, "schema")
	t.i32(5, int32(schema.NumFields()))
	t.end()
	for _, f := range schema.Fields() {
		t.schemaField(f)
	}
}

// countElements returns how many elements some fields make with their parts.
func countElements(fields []arrow.Field) int {
	n := len(fields)
	for _, f := range fields {
		switch f := f.Type.(type) {
		case *arrow.StructType:
			n += countElements(f.Fields())
		case *arrow.ListType:
			n += 1 + countElements([]arrow.Field{elementField(f)})
		case *arrow.MapType:
			n += 1 + countElements(entryFields(f))
		}
	}
	return n
}

func (t *thrift) schemaField(f arrow.Field) {
	repetition := int32(required)
	if f.Nullable {
		repetition = optional
	}
	switch of := f.Type.(type) {
	case *arrow.StructType:
		t.group(f.Name, repetition, of.NumFields(), -1, 0)
		for _, m := range of.Fields() {
			t.schemaField(m)
		}
	case *arrow.ListType:
		t.group(f.Name, repetition, 1, convertedList, 3)
		t.group("list", repeated, 1, -1, 0)
		t.schemaField(elementField(of))
	case *arrow.MapType:
		t.group(f.Name, repetition, 1, convertedMap, 2)
		t.group("key_value", repeated, 2, -1, 0)
		for _, m := range entryFields(of) {
			t.schemaField(m)
		}
	default:
		t.leaf(f, repetition)
	}
}

// group writes the element of a field that has parts. A converted of -1 and a
// logical of 0 are none.
func (t *thrift) group(name string, repetition int32, parts int, converted int32, logical int16) {
	t.begin()
	t.i32(3, repetition)
	t.text(4, name)
	t.i32(5, int32(parts))
	if converted >= 0 {
		t.i32(6, converted)
	}
	if logical > 0 {
		t.logical(logical)
		t.end()
		t.end()
	}
	t.end()
}

// logical opens a LogicalType and its member of a number; two ends close it.
func (t *thrift) logical(member int16) {
	t.open(10)
	t.open(member)
}

func (t *thrift) leaf(f arrow.Field, repetition int32) {
	physical, err := physicalOf(f.Type)
	if err != nil {
		panic("encode: " + err.Error()) // leaves has refused it
	}
	t.begin()
	t.i32(1, physical)
	t.i32(3, repetition)
	t.text(4, f.Name)
	t.leafType(f.Type)
	t.end()
}

// leafType writes what the values of a leaf mean.
func (t *thrift) leafType(of arrow.DataType) {
	switch of := of.(type) {
	case *arrow.StringType:
		t.i32(6, convertedUTF8)
		t.logical(1)
	case *arrow.Decimal128Type:
		t.i32(6, convertedDecimal)
		t.i32(7, of.Scale)
		t.i32(8, of.Precision)
		t.logical(5)
		t.i32(1, of.Scale)
		t.i32(2, of.Precision)
	case *arrow.Date32Type:
		t.i32(6, convertedDate)
		t.logical(6)
	case *arrow.TimestampType:
		utc := of.TimeZone != ""
		if utc {
			t.i32(6, convertedTimestamp)
		}
		t.logical(8)
		t.boolean(1, utc)
		t.open(2) // the unit,
		t.open(2) // microseconds
		t.end()
		t.end()
	case *arrow.Int32Type:
		t.integer(convertedInt32, 32)
		return
	case *arrow.Int64Type:
		t.integer(convertedInt64, 64)
		return
	default:
		return
	}
	t.end()
	t.end()
}

func (t *thrift) integer(converted int32, width int8) {
	t.i32(6, converted)
	t.logical(10)
	t.i8(1, width)
	t.boolean(2, true)
	t.end()
	t.end()
}
