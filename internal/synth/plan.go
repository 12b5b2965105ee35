package synth

import (
	"context"
	"fmt"
	"io"
)

// Offers whose rows stand in one file: of the first day, when each has several
// rows, and of the later ones, when few have any.
const (
	firstSlice = 128 * 1024
	laterSlice = 1024 * 1024
)

// plan lists the objects of o's days, and the markers that follow when they
// stand.
func (m *Market) plan(o Options) (data, markers []object) {
	for day := o.From; day < o.Days; day++ {
		for slot := day * slotsPerDay; slot < (day+1)*slotsPerDay; slot++ {
			data = append(data, m.planDelivery(slot)...)
			markers = append(markers, marker(m.delivery(slot)))
		}
		data = append(data, m.planDumps(day)...)
		markers = append(markers, marker("statistics/"+m.date(day)))
	}
	data = append(data, object{"categories/categories.jsonl.gz", func(ctx context.Context, w io.Writer) (int64, error) {
		return 0, m.writeCategories(ctx, w)
	}})
	return data, markers
}

// delivery returns the folder of a delivery of the log.
func (m *Market) delivery(slot int) string {
	hour := slot % slotsPerDay * 24 / slotsPerDay
	return fmt.Sprintf("offers/%s/%02d", m.date(slot/slotsPerDay), hour)
}

func (m *Market) date(day int) string { return dateText(m.start.AddDate(0, 0, day)) }

func (m *Market) planDelivery(slot int) []object {
	day, size := slot/slotsPerDay, laterSlice
	if day == 0 {
		size = firstSlice
	}
	var out []object
	for from := 0; from < m.Indexes(day); from += size {
		s := slice{slot, from, min(from+size, m.Indexes(day))}
		name := fmt.Sprintf("%s/part-%04d.parquet", m.delivery(slot), from/size)
		out = append(out, object{name, func(ctx context.Context, w io.Writer) (int64, error) { return m.writeLog(ctx, w, s) }})
	}
	return out
}

// planDumps lists the dumps of a day.
func (m *Market) planDumps(day int) []object {
	out := []object{
		dump("sellers/sellers_"+m.date(day)+".csv.gz", day, m.writeSellers),
		dump("campaigns/campaigns_"+m.date(day)+".json", day, m.writeCampaigns),
	}
	for from := 0; from < m.Indexes(day); from += laterSlice {
		to := min(from+laterSlice, m.Indexes(day))
		name := fmt.Sprintf("statistics/%s/part-%04d.parquet", m.date(day), from/laterSlice)
		out = append(out, dump(name, day, func(ctx context.Context, w io.Writer, day int) error {
			return m.writeStatistics(ctx, w, day, from, to)
		}))
	}
	return out
}

func dump(name string, day int, write func(ctx context.Context, w io.Writer, day int) error) object {
	return object{name, func(ctx context.Context, w io.Writer) (int64, error) { return 0, write(ctx, w, day) }}
}

// marker is the empty object that says that a folder is complete.
func marker(folder string) object {
	return object{folder + "/_SUCCESS", func(context.Context, io.Writer) (int64, error) { return 0, nil }}
}
