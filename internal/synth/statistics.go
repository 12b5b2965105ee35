package synth

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// statisticsSchema is the columns of the daily dump of the last 30 days' traffic.
var statisticsSchema = arrow.NewSchema([]arrow.Field{
	{Name: "offer", Type: arrow.BinaryTypes.String},
	{Name: "impressions", Type: arrow.PrimitiveTypes.Int64},
	{Name: "clicks", Type: arrow.PrimitiveTypes.Int64},
	{Name: "sales", Type: arrow.PrimitiveTypes.Int64},
	{Name: "revenue", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}, Nullable: true},
	{Name: "conversion", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
}, nil)

// traffic is an offer's figures of the last 30 days.
type traffic struct {
	impressions, clicks, sales int
	cents                      int64 // of revenue in EUR; none: null
}

// traffic returns the figures of the i-th offer in a day's dump. Two of five
// offers have none; on a day the figures of one in ten change.
func (m *Market) traffic(i, day int) (traffic, bool) {
	first := m.firstDay(i)
	d := m.dice(aboutTraffic, i, 0)
	if first > day || d.share(400) {
		return traffic{}, false
	}
	d = m.dice(aboutTraffic, i, 1+m.revision(aboutTraffic, i, day, 100))
	t := traffic{impressions: d.skewed(1, 20_000), cents: none}
	t.clicks = t.impressions * d.between(0, 60) / 1000
	t.sales = t.clicks * d.between(0, 120) / 1000
	if t.sales > 0 {
		t.cents = int64(t.sales) * int64(d.skewed(300, 90_000))
	}
	return t, true
}

// conversion is sales per click, and false where there were no clicks.
func (t traffic) conversion() (float64, bool) {
	if t.clicks == 0 {
		return 0, false
	}
	return float64(t.sales) / float64(t.clicks), true
}

// Statistic returns the row of the i-th offer in a day's dump: offer,
// impressions, clicks, sales, revenue (nil without sales), conversion (nil
// without clicks); and false when it has none. Deleted offers may have one.
func (m *Market) Statistic(i, day int) (Row, bool) {
	t, ok := m.traffic(i, day)
	if !ok {
		return nil, false
	}
	row := Row{
		"offer": m.ID(i), "impressions": int64(t.impressions), "clicks": int64(t.clicks), "sales": int64(t.sales),
		"revenue": money(t.cents), "conversion": nil,
	}
	if c, ok := t.conversion(); ok {
		row["conversion"] = c
	}
	return row, true
}

// writeStatistics writes the dump's rows of the offers from one index to before
// another.
func (m *Market) writeStatistics(ctx context.Context, w io.Writer, day, from, to int) error {
	mem := memory.NewGoAllocator()
	file, err := newParquet(w, statisticsSchema, mem, []string{"offer", "impressions", "clicks", "sales", "revenue", "conversion"})
	if err != nil {
		return err
	}
	b := array.NewRecordBuilder(mem, statisticsSchema)
	defer b.Release()
	for at := from; at < to; at += rowGroup {
		for i := at; i < min(at+rowGroup, to); i++ {
			m.addStatistic(b, i, day)
		}
		rec := b.NewRecordBatch()
		err := errors.Join(ctx.Err(), file.Write(rec))
		rec.Release()
		if err != nil {
			return err
		}
	}
	return file.Close()
}

func (m *Market) addStatistic(b *array.RecordBuilder, i, day int) {
	t, ok := m.traffic(i, day)
	if !ok {
		return
	}
	id := m.id(i)
	b.Field(0).(*array.StringBuilder).BinaryBuilder.Append(id[:])
	for column, n := range [...]int{t.impressions, t.clicks, t.sales} {
		b.Field(1 + column).(*array.Int64Builder).Append(int64(n))
	}
	addCents(b.Field(4).(*array.Decimal128Builder), t.cents)
	c, ok := t.conversion()
	if !ok {
		b.Field(5).AppendNull()
		return
	}
	b.Field(5).(*array.Float64Builder).Append(c)
}

// appendMoney appends cents as 12.30.
func appendMoney(dst []byte, cents int64) []byte {
	dst = append(strconv.AppendInt(dst, cents/100, 10), '.')
	return append(dst, '0'+byte(cents/10%10), '0'+byte(cents%10))
}
