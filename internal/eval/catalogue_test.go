package eval_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/parquetio"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
	"github.com/feedmill/feedmill/internal/synth"
)

// today is the day of the catalogue, as `now`.
var today = time.Date(2026, 1, 1, 18, 0, 0, 0, time.UTC)

// A catalogue makes batches as a snapshot has them of the made marketplace: the
// offers with what the sample workspace joins to them and derives.
type catalogue struct {
	market     *synth.Market
	schema     offer.Schema
	appenders  []*offer.Appender
	sellers    map[any]synth.Row
	categories map[any]synth.Row
	campaigns  map[any][]any // by seller
}

func newCatalogue(tb testing.TB, schema offer.Schema, offers int) *catalogue {
	tb.Helper()
	market, err := synth.New(synth.Options{Offers: offers, Seed: 7, Start: today})
	if err != nil {
		tb.Fatal(err)
	}
	c := &catalogue{market: market, schema: schema, sellers: map[any]synth.Row{}, categories: map[any]synth.Row{}, campaigns: map[any][]any{}}
	for _, f := range schema {
		c.appenders = append(c.appenders, offer.NewAppender(f.Type, offer.Conversion{}))
	}
	for _, row := range market.Sellers(0) {
		c.sellers[row["id"]] = row
	}
	for _, row := range market.Categories() {
		c.categories[row["path"]] = row
	}
	for _, row := range market.Campaigns(0) {
		c.campaigns[row["seller"]] = append(c.campaigns[row["seller"]], map[string]any(row))
	}
	return c
}

// offer returns the columns of an offer, nil of one that is gone.
func (c *catalogue) offer(i int) map[string]any {
	o, ok := c.market.Offer(i, 0)
	if !ok {
		return nil
	}
	row := map[string]any(o)
	row["updated"] = row["ts"]
	row["shop"], row["cat"] = joined(c.sellers[row["seller"]]), joined(c.categories[row["category"]])
	if s, ok := c.market.Statistic(i, 0); ok {
		row["stats"] = joined(s)
	}
	row["campaigns"] = c.campaigns[row["seller"]]
	if list := c.campaigns[row["seller"]]; len(list) > 0 {
		row["campaign"] = list[0].(map[string]any)["name"]
	} else {
		delete(row, "campaigns")
	}
	row["link"] = "https://market.example.org/" + row["language"].(string) + "/o/" + row["id"].(string)
	if images, _ := row["images"].([]any); len(images) > 0 {
		row["image"] = images[0]
	}
	row["name_en"] = row["title_en"]
	if row["name_en"] == nil {
		row["name_en"] = row["title"]
	}
	row["eur"] = row["price"]
	row["reduction"] = int64(0)
	if row["list_price"] != nil {
		row["reduction"] = int64(i % 45)
	}
	return row
}

func joined(row synth.Row) any {
	if row == nil {
		return nil
	}
	return map[string]any(row)
}

// batch returns the rows of so many offers, from one on.
func (c *catalogue) batch(tb testing.TB, first, rows int) arrow.RecordBatch {
	tb.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, c.schema.Arrow())
	defer b.Release()
	for i := range rows {
		row := c.offer(first + i)
		if row == nil {
			continue
		}
		for k, f := range c.schema {
			if err := c.appenders[k].Append(b.Field(k), row[f.Name]); err != nil {
				tb.Fatalf("offer %d: %s: %v", first+i, f.Name, err)
			}
		}
	}
	return b.NewRecordBatch()
}

// snapshot returns the rows of so many batches' offers, from the first on, as generate
// reads them from a snapshot: texts that repeat are dictionaries.
func (c *catalogue) snapshot(tb testing.TB, batches int) []arrow.RecordBatch {
	tb.Helper()
	ctx, store := context.Background(), mem.New()
	w, err := parquetio.NewWriter(ctx, store, "offers", storage.Replace, c.schema.Arrow(), parquetio.Options{NoDictionary: []string{offer.Key}})
	if err != nil {
		tb.Fatal(err)
	}
	defer w.Abort()
	for i := range batches {
		batch := c.batch(tb, i*benchRows, benchRows)
		err := w.Write(batch)
		batch.Release()
		if err != nil {
			tb.Fatal(err)
		}
	}
	if _, err := w.Commit(); err != nil {
		tb.Fatal(err)
	}
	r, err := parquetio.Open(ctx, store, "offers", parquetio.ReadOptions{Encoded: true})
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	rows := r.Scan(ctx, nil)
	defer rows.Close()
	var out []arrow.RecordBatch
	for {
		batch, err := rows.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(batch.Release)
		out = append(out, batch)
	}
}

// words returns distinct words of a text column: some that are in many offers, and
// some that are in few.
func (c *catalogue) words(column string, n int) []string {
	var out []string
	for i := 0; len(out) < n; i++ {
		text, _ := c.offer(i)[column].(string)
		for _, word := range strings.Fields(text) {
			word = strings.Trim(word, `(),.:"`)
			if len(word) > 3 && len(out) < n && !slices.Contains(out, word) && !strings.Contains(word, `\`) {
				out = append(out, word)
			}
		}
	}
	return out
}
