package synth

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// logSchema is the columns of the offers' log.
var logSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.BinaryTypes.String},
	{Name: "op", Type: coded},
	{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
	{Name: "seller", Type: arrow.BinaryTypes.String},
	{Name: "code", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "mpn", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "language", Type: coded, Nullable: true},
	{Name: "title", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "title_en", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "description", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "brand", Type: coded, Nullable: true},
	{Name: "category", Type: coded, Nullable: true},
	{Name: "condition", Type: coded, Nullable: true},
	{Name: "price", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}, Nullable: true},
	{Name: "list_price", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}, Nullable: true},
	{Name: "currency", Type: coded, Nullable: true},
	{Name: "stock", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "active", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "weight", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "delivery_days", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "available_from", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "age_group", Type: coded, Nullable: true},
	{Name: "created", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}, Nullable: true},
	{Name: "images", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
	{Name: "attributes", Type: arrow.MapOf(coded, coded), Nullable: true},
	{Name: "tags", Type: arrow.ListOf(coded), Nullable: true},
}, nil)

// A rows holds the columns of a record of the log while it fills.
type rows struct {
	n int

	id, seller, code, mpn, title, titleEnglish, description *array.StringBuilder

	op, language, brand, category, condition, currency, age codes

	ts, created     *array.TimestampBuilder
	price, list     *array.Decimal128Builder
	stock, delivery *array.Int32Builder
	active          *array.BooleanBuilder
	weight          *array.Float64Builder
	available       *array.Date32Builder
	images          *array.ListBuilder
	attributes      *codedMap
	tags            *codedList
}

func newRows(mem memory.Allocator, m *Market) *rows {
	text := func() *array.StringBuilder { return array.NewStringBuilder(mem) }
	typed := func(name string) arrow.DataType { return logSchema.Field(logSchema.FieldIndices(name)[0]).Type }
	var paths, spoken []string
	for _, c := range m.categories {
		paths = append(paths, c.path)
	}
	for _, l := range m.languages {
		spoken = append(spoken, l.code)
	}
	decimal := typed("price").(*arrow.Decimal128Type)
	return &rows{
		id: text(), seller: text(), code: text(), mpn: text(), title: text(), titleEnglish: text(), description: text(),
		op: newCodes(mem, operations), language: newCodes(mem, spoken), brand: newCodes(mem, m.brands), category: newCodes(mem, paths),
		condition: newCodes(mem, conditions), currency: newCodes(mem, currencies), age: newCodes(mem, ageGroups),
		ts: array.NewTimestampBuilder(mem, typed("ts").(*arrow.TimestampType)), created: array.NewTimestampBuilder(mem, typed("created").(*arrow.TimestampType)),
		price: array.NewDecimal128Builder(mem, decimal), list: array.NewDecimal128Builder(mem, decimal),
		stock: array.NewInt32Builder(mem), delivery: array.NewInt32Builder(mem), active: array.NewBooleanBuilder(mem),
		weight: array.NewFloat64Builder(mem), available: array.NewDate32Builder(mem),
		images:     array.NewListBuilder(mem, arrow.BinaryTypes.String),
		attributes: newCodedMap(mem, properties, m.values), tags: newCodedList(mem, tagNames),
	}
}

// builders returns the columns in the order of logSchema.
func (r *rows) builders() []builder {
	return []builder{
		r.id, r.op, r.ts, r.seller, r.code, r.mpn, r.language, r.title, r.titleEnglish, r.description, r.brand, r.category,
		r.condition, r.price, r.list, r.currency, r.stock, r.active, r.weight, r.delivery, r.available, r.age, r.created,
		r.images, r.attributes, r.tags,
	}
}

type builder interface {
	NewArray() arrow.Array
	AppendNull()
	Reserve(n int)
	Release()
}

// record returns the rows so far and begins anew.
func (r *rows) record() arrow.RecordBatch {
	var texts []int
	for _, b := range r.texts() {
		texts = append(texts, b.DataLen())
	}
	columns := make([]arrow.Array, 0, logSchema.NumFields())
	for _, b := range r.builders() {
		columns = append(columns, b.NewArray())
	}
	rec := array.NewRecordBatch(logSchema, columns, int64(r.n))
	for _, c := range columns {
		c.Release()
	}
	r.n = 0
	r.reserve(texts)
	return rec
}

// reserve makes room for as much as the last record had.
func (r *rows) reserve(texts []int) {
	for i, b := range r.texts() {
		b.ReserveData(texts[i] + texts[i]/16)
	}
	for _, b := range r.builders() {
		b.Reserve(rowGroup)
	}
}

// texts returns the columns of long texts.
func (r *rows) texts() []*array.StringBuilder {
	return []*array.StringBuilder{r.title, r.titleEnglish, r.description, r.images.ValueBuilder().(*array.StringBuilder)}
}

// Release frees the builders.
func (r *rows) Release() {
	for _, b := range r.builders() {
		b.Release()
	}
}

// add appends a row. Times are relative to start, in microseconds since 1970.
func (r *rows) add(c *content, start int64) {
	r.n++
	r.id.BinaryBuilder.Append(c.id[:])
	r.op.add(int(c.op))
	r.ts.Append(arrow.Timestamp(start + c.at))
	r.seller.BinaryBuilder.Append(c.seller)
	if c.deleted {
		for _, b := range r.builders()[4:] {
			b.AppendNull()
		}
		return
	}
	r.addTexts(c)
	r.addCodes(c)
	r.addNumbers(c)
	r.addDates(c, start)
	r.addNested(c)
}

func (r *rows) addTexts(c *content) {
	addText(r.code, c.code)
	addText(r.mpn, c.mpn)
	addText(r.title, c.title)
	addText(r.titleEnglish, c.titleEnglish)
	addText(r.description, c.description)
}

func addText(b *array.StringBuilder, text []byte) {
	if len(text) == 0 {
		b.AppendNull()
		return
	}
	b.BinaryBuilder.Append(text)
}

func (r *rows) addCodes(c *content) {
	r.language.add(c.language)
	r.brand.add(c.brand)
	r.category.add(c.category)
	r.condition.add(c.condition)
	r.currency.add(c.currency)
	r.age.add(c.age)
}

func (r *rows) addNumbers(c *content) {
	addCents(r.price, c.price)
	addCents(r.list, c.listPrice)
	addInt(r.stock, c.stock)
	addInt(r.delivery, c.deliveryDays)
	r.active.Append(c.active)
	if c.grams == none {
		r.weight.AppendNull()
		return
	}
	r.weight.Append(float64(c.grams) / 1000)
}

func addCents(b *array.Decimal128Builder, cents int64) {
	if cents == none {
		b.AppendNull()
		return
	}
	b.Append(decimal128.FromI64(cents))
}

func addInt(b *array.Int32Builder, n int) {
	if n == none {
		b.AppendNull()
		return
	}
	b.Append(int32(n))
}

func (r *rows) addDates(c *content, start int64) {
	r.created.Append(arrow.Timestamp((start + c.born) / 1000))
	if c.availableFrom == never {
		r.available.AppendNull()
		return
	}
	r.available.Append(arrow.Date32(start/dayMicros + int64(c.availableFrom)))
}

func (r *rows) addNested(c *content) {
	if c.noMap {
		r.attributes.AppendNull()
	} else {
		r.attributes.add(c.properties)
	}
	if c.noTags {
		r.tags.AppendNull()
	} else {
		r.tags.add(c.tags)
	}
	if c.noImages {
		r.images.AppendNull()
		return
	}
	r.images.Append(true)
	texts, from := r.images.ValueBuilder().(*array.StringBuilder), 0
	for _, end := range c.imageEnds {
		texts.BinaryBuilder.Append(c.images[from:end])
		from = end
	}
}
