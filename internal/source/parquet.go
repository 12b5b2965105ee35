package source

import (
	"context"
	"errors"

	"github.com/feedmill/feedmill/internal/storage"
)

func (s *Source) openParquet(ctx context.Context, store storage.Store, name string, f File, options ScanOptions) (batches, error) {
	return nil, errors.ErrUnsupported
}
