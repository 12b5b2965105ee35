package source

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/storage"
)

// The hidden columns that stand before the declared ones in a source's batches.
const (
	KeyColumn     = "_key"     // utf8; null only where the source has no key
	RowColumn     = "_row"     // int64, the ordinal of the row in its file, counted before `where`
	OrderColumn   = "_order"   // binary, see EncodeOrder; only of a log
	DeletedColumn = "_deleted" // bool; only of a log
)

// A Source is a compiled definition. It is safe for concurrent use.
type Source struct {
	Def    *Definition
	schema *arrow.Schema
}

// Compile checks a definition and compiles its expressions. The list holds all
// mistakes found; when it is not empty the source is nil.
func Compile(def *Definition) (*Source, diag.List) {
	return nil, diag.List{def.Place.At(0, 1, "%v", errors.ErrUnsupported)}
}

// Name returns the name of the source.
func (s *Source) Name() string { return s.Def.Name }

// Schema returns the schema of the source's batches: the hidden columns, then
// the declared ones.
func (s *Source) Schema() *arrow.Schema { return s.schema }

// Columns returns the declared columns.
func (s *Source) Columns() offer.Schema { return s.Def.Schema() }

// Open begins to read a file, the object of that name in store. The scanner must
// be closed.
func (s *Source) Open(ctx context.Context, store storage.Store, name string, f File, options ScanOptions) (*Scanner, error) {
	return nil, errors.ErrUnsupported
}

// Missing returns the fields that the source's expressions read and that none of
// the files had, unless they are optional: the shortest missing prefix of each,
// sorted. What stands below a field that was null in all rows is not missing,
// and nothing is when there were no rows.
func (s *Source) Missing(seen ...Fields) []string { return nil }
