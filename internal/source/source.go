package source

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/storage"
)

// The hidden columns that stand before the declared ones in a source's batches.
const (
	KeyColumn     = "_key"     // utf8; null only where the source has no key
	RowColumn     = "_row"     // int64, the ordinal of the row in its file, counted before `where`
	OrderColumn   = "_order"   // binary, see EncodeOrder; only of a log, empty where it has no `order`
	DeletedColumn = "_deleted" // bool; only of a log
)

// A Source is a compiled definition. It is safe for concurrent use.
type Source struct {
	Def     *Definition
	schema  *arrow.Schema
	row     *tree
	item    *tree
	needs   []need
	explode *value // nil where rows are not exploded
	where   *value // nil where all rows count
	key     *value // nil where there is none
	order   *value // nil where there is none
	deleted *value // nil where there is none
	columns []column
}

// A column is a compiled Column.
type column struct {
	value    *value
	field    offer.Field
	appender *offer.Appender
	zone     *time.Location // of times that name none
	required bool
	in       members // nil: all values
}

// Name returns the name of the source.
func (s *Source) Name() string { return s.Def.Name }

// Schema returns the schema of the source's batches: the hidden columns, then
// the declared ones. A row of a log that is deleted has no values in the
// declared ones.
func (s *Source) Schema() *arrow.Schema { return s.schema }

// Columns returns the declared columns.
func (s *Source) Columns() offer.Schema { return s.Def.Schema() }

// Open begins to read a file, the object of that name in store. The scanner must
// be closed.
func (s *Source) Open(ctx context.Context, store storage.Store, name string, f File, options ScanOptions) (*Scanner, error) {
	b, err := s.batches(ctx, store, name, f, options.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", f.Place(), err)
	}
	return &Scanner{ctx: ctx, file: f, batches: b}, nil
}

func (s *Source) batches(ctx context.Context, store storage.Store, name string, f File, options ScanOptions) (batches, error) {
	if s.Def.Format == Parquet {
		return s.openParquet(ctx, store, name, f, options)
	}
	object, err := store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	b, err := s.openRows(object, f, options)
	if err != nil {
		return nil, errors.Join(err, object.Close())
	}
	return b, nil
}

// sameSize refuses a file that is not what it was when it was found.
func sameSize(f File, size int64) error {
	if f.Size > 0 && f.Size != size {
		return fmt.Errorf("the file has %d bytes now and had %d when it was found: it is being written", size, f.Size)
	}
	return nil
}
