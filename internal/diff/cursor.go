package diff

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/snapshot"
)

// The columns of a state: what the destinations have of each offer.
var stateSchema = offer.Schema{
	{Name: offer.Key, Type: offer.Type{Kind: offer.String}},
	{Name: "version", Type: offer.Type{Kind: offer.Int}},
	{Name: "sent", Type: offer.Type{Kind: offer.Timestamp}}, // the last time
	{Name: "fields", Type: offer.Type{Kind: offer.String}},  // JSON, as event.AppendFields makes it
}

// A cursor goes over the rows of a partition of a state.
type cursor struct {
	rows  *snapshot.Scanner // nil: there is no state
	batch arrow.RecordBatch // nil at the end
	row   int
	hash  uint64

	ids, texts *array.String
	versions   *array.Int64
	times      *array.Timestamp
}

// newCursor begins with the first row of a partition, of a number of partitions
// that may be another than the state's. A nil state has no rows.
func newCursor(ctx context.Context, state *snapshot.Snapshot, partition, partitions int) (*cursor, error) {
	c := &cursor{}
	if state == nil {
		return c, nil
	}
	var err error
	if c.rows, err = state.Batches(cursorRows).Slice(ctx, partition, partitions, nil); err != nil {
		return nil, err
	}
	if err := c.load(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// load goes on to the next batch.
func (c *cursor) load() error {
	if c.batch != nil {
		c.batch.Release()
		c.batch = nil
	}
	batch, err := c.rows.Next()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	c.batch, c.row = batch, 0
	c.ids, c.versions = batch.Column(0).(*array.String), batch.Column(1).(*array.Int64)
	c.times, c.texts = batch.Column(2).(*array.Timestamp), batch.Column(3).(*array.String)
	c.hash = offer.Hash(c.id())
	return nil
}

func (c *cursor) valid() bool { return c.batch != nil }

// next goes on to the next row.
func (c *cursor) next() error {
	if c.row++; c.row == int(c.batch.NumRows()) {
		return c.load()
	}
	c.hash = offer.Hash(c.id())
	return nil
}

// stands is negative where the cursor's row comes before an offer, positive where
// it comes after it, or where there are no more.
func (c *cursor) stands(hash uint64, id string) int {
	if !c.valid() {
		return 1
	}
	if order := cmp.Compare(c.hash, hash); order != 0 {
		return order
	}
	return cmp.Compare(c.id(), id)
}

func (c *cursor) id() string      { return c.ids.Value(c.row) }
func (c *cursor) fields() string  { return c.texts.Value(c.row) }
func (c *cursor) version() int64  { return c.versions.Value(c.row) }
func (c *cursor) sent() time.Time { return c.times.Value(c.row).ToTime(c.unit()) }

func (c *cursor) unit() arrow.TimeUnit { return c.times.DataType().(*arrow.TimestampType).Unit }

// close closes the state.
func (c *cursor) close() error {
	if c.batch != nil {
		c.batch.Release()
		c.batch = nil
	}
	if c.rows == nil {
		return nil
	}
	rows := c.rows
	c.rows = nil
	return rows.Close()
}
