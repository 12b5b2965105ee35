package main

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// A market is what the sources say in the end.
type market struct {
	offers  map[string]*offer // the deleted ones are gone
	sellers map[string]seller
	rows    int // of the log
}

// An offer is the columns of the log that the conditions look at.
type offer struct {
	ts      int64
	deleted bool

	id, seller, code, language, title, currency, condition string // empty: null
	price, listPrice                                       int64  // cents
	priced, listed, active, hasImages                      bool
	stock                                                  int32 // 0 also where null
	availableFrom                                          time.Time
}

type seller struct {
	active bool
	rating float64 // 0: none
}

func readMarket(ctx context.Context, dir string) (*market, error) {
	m := &market{offers: map[string]*offer{}, sellers: map[string]seller{}}
	if err := m.readLog(ctx, dir); err != nil {
		return nil, err
	}
	for id, o := range m.offers {
		if o.deleted {
			delete(m.offers, id)
		}
	}
	return m, m.readSellers(dir)
}

// readLog reads all deliveries in order: folders are named by day and hour.
func (m *market) readLog(ctx context.Context, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "offers", "*", "*", "*.parquet"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no offers in %s", dir)
	}
	slices.Sort(files)
	for _, file := range files {
		if err := m.readFile(ctx, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return err
}

func (m *market) readFile(ctx context.Context, file string) (err error) {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	table, err := pqarrow.ReadTable(ctx, f, parquet.NewReaderProperties(nil), pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	defer table.Release()
	rows := array.NewTableReader(table, 1<<16)
	defer rows.Release()
	for rows.Next() {
		m.apply(rows.RecordBatch())
	}
	return rows.Err()
}

// apply keeps of each offer the row of the greatest time; of two the later read.
func (m *market) apply(rec arrow.RecordBatch) {
	c := columnsOf(rec)
	for i := range int(rec.NumRows()) {
		m.rows++
		id := c.text("id", i)
		ts := int64(c["ts"].(*array.Timestamp).Value(i))
		if old := m.offers[id]; old == nil || ts >= old.ts {
			m.offers[id] = c.offer(id, ts, i)
		}
	}
}

type columns map[string]arrow.Array

func columnsOf(rec arrow.RecordBatch) columns {
	c := columns{}
	for i, f := range rec.Schema().Fields() {
		c[f.Name] = rec.Column(i)
	}
	return c
}

func (c columns) offer(id string, ts int64, i int) *offer {
	o := &offer{
		id: id, ts: ts, deleted: c.text("op", i) == "D", seller: c.text("seller", i), code: c.text("code", i), language: c.text("language", i),
		title: c.text("title", i), currency: c.text("currency", i), condition: c.text("condition", i),
		active: c["active"].IsValid(i) && c["active"].(*array.Boolean).Value(i),
	}
	o.price, o.priced = c.cents("price", i)
	o.listPrice, o.listed = c.cents("list_price", i)
	if stock := c["stock"].(*array.Int32); stock.IsValid(i) {
		o.stock = stock.Value(i)
	}
	if from := c["available_from"].(*array.Date32); from.IsValid(i) {
		o.availableFrom = from.Value(i).ToTime()
	}
	images := c["images"].(*array.List)
	from, to := images.ValueOffsets(i)
	o.hasImages = images.IsValid(i) && to > from
	return o
}

func (c columns) text(name string, i int) string {
	if c[name].IsNull(i) {
		return ""
	}
	return strings.Clone(c[name].(*array.String).Value(i))
}

func (c columns) cents(name string, i int) (int64, bool) {
	if c[name].IsNull(i) {
		return 0, false
	}
	return int64(c[name].(*array.Decimal128).Value(i).LowBits()), true
}

// readSellers reads the newest dump.
func (m *market) readSellers(dir string) (err error) {
	files, err := filepath.Glob(filepath.Join(dir, "sellers", "sellers_*.csv.gz"))
	if err != nil || len(files) == 0 {
		return errors.Join(err, fmt.Errorf("no sellers in %s", dir))
	}
	f, err := os.Open(slices.Max(files))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	r := csv.NewReader(z)
	r.Comma = ';'
	records, err := r.ReadAll()
	if err != nil {
		return err
	}
	for _, fields := range records[1:] {
		rating, _ := strconv.ParseFloat(strings.Replace(fields[3], ",", ".", 1), 64)
		m.sellers[fields[0]] = seller{active: fields[4] == "1", rating: rating}
	}
	return nil
}
