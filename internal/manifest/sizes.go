package manifest

import (
	"context"
	"fmt"

	"github.com/feedmill/feedmill/internal/storage"
)

// Sizes are the sizes of the objects that are there, by name.
type Sizes map[string]int64

// SizesOf lists the objects of a run.
func SizesOf(ctx context.Context, store storage.Store, kind, run string) (Sizes, error) {
	out := Sizes{}
	for info, err := range store.List(ctx, kind+"/"+run+"/") {
		if err != nil {
			return nil, fmt.Errorf("list run %s of %s: %w", run, kind, err)
		}
		out[info.Name] = info.Size
	}
	return out, nil
}

// Has returns an error unless an object is there with its size.
func (s Sizes) Has(name string, size int64) error {
	switch got, found := s[name]; {
	case !found:
		return fmt.Errorf("%s is not there any more", name)
	case got != size:
		return fmt.Errorf("%s has %d bytes, not %d", name, got, size)
	}
	return nil
}
