package samples

import (
	"context"
	"errors"
	"io"
	"regexp"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/trial"
	"github.com/feedmill/feedmill/internal/workspace"
)

// trialsAgree fails the test unless a feed test over all offers of the snapshot,
// which expects and renders what the published feed holds, passes: check and
// generate decide, choose and render alike.
func trialsAgree(t *testing.T, ws *workspace.Workspace, store storage.Store, run string, files []document) {
	t.Helper()
	offers := offersOf(t.Context(), t, ws, store, run)
	for _, d := range files {
		if name := numberOf.ReplaceAllString(d.name, ""); name != d.name {
			d.name = name // the market is small: one file is the whole feed
		}
		test := &feed.Test{Feed: d.name, Now: now, Offers: offers, Renders: map[string]diag.Text{}}
		for _, item := range itemText.FindAllString(string(d.text), -1) {
			id := itemID.FindStringSubmatch(item)[1]
			test.Expect = append(test.Expect, diag.Plain(id))
			test.Renders[id] = diag.Plain(item)
		}
		if len(test.Expect) != d.items {
			t.Errorf("feed %s: %d items were found of %d", d.name, len(test.Expect), d.items)
		}
		if found := trial.Run(ws, test, now); len(found) > 0 {
			t.Errorf("feed %s: a test of the published feed fails in %d places, such as\n%v", d.name, len(found), found[:1])
		}
	}
}

var (
	numberOf = regexp.MustCompile(`-1$`)
	itemText = regexp.MustCompile(`(?s)<(?:item|product)>.*?</(?:item|product)>\n`)
	itemID   = regexp.MustCompile(`<(?:g:id|uid|id)>([^<]*)<`)
)

// offersOf reads all offers of a snapshot as a user would write them down.
func offersOf(ctx context.Context, t *testing.T, ws *workspace.Workspace, store storage.Store, run string) (offers []feed.TestOffer) {
	t.Helper()
	table, err := snapshot.Open(ctx, store, run)
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, column := range ws.Schema {
		columns = append(columns, column.Name)
	}
	for i := range table.Partitions() {
		scanner, err := table.Partition(ctx, i, columns)
		if err != nil {
			t.Fatal(err)
		}
		for batch, err := scanner.Next(); !errors.Is(err, io.EOF); batch, err = scanner.Next() {
			if err != nil {
				t.Fatal(err)
			}
			offers = appendOffers(offers, ws.Schema, batch)
			batch.Release()
		}
		if err := scanner.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return offers
}

func appendOffers(offers []feed.TestOffer, schema offer.Schema, batch arrow.RecordBatch) []feed.TestOffer {
	for row := range int(batch.NumRows()) {
		o := feed.TestOffer{Values: map[string]feed.TestValue{}}
		for _, column := range schema {
			value := plain(batch.Column(batch.Schema().FieldIndices(column.Name)[0]), row)
			if column.Name == offer.Key {
				o.ID = value.(string)
				continue
			}
			o.Values[column.Name] = feed.TestValue{Value: value}
		}
		offers = append(offers, o)
	}
	return offers
}

// plain is a value of an array, copied.
func plain(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.List:
		list := []any{}
		for from, to := a.ValueOffsets(i); from < to; from++ {
			list = append(list, plain(a.ListValues(), int(from)))
		}
		return list
	case *array.Map:
		entries := map[string]any{}
		for from, to := a.ValueOffsets(i); from < to; from++ {
			entries[a.Keys().ValueStr(int(from))] = plain(a.Items(), int(from))
		}
		return entries
	case *array.Struct:
		fields := map[string]any{}
		for k := range a.NumField() {
			fields[a.DataType().(*arrow.StructType).Field(k).Name] = plain(a.Field(k), i)
		}
		return fields
	case *array.Boolean:
		return a.Value(i)
	case *array.Int64:
		return a.Value(i)
	case *array.Float64:
		return a.Value(i)
	case *array.Timestamp:
		return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit).UTC()
	default: // texts, decimals and dates
		return string([]byte(a.ValueStr(i)))
	}
}
