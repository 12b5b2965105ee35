package diff

import (
	"context"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
)

// An outlet is an object of a change set, which is begun with its first event.
type outlet struct {
	name string
	to   *event.Writer // nil until there is an event
}

func (o *outlet) write(ctx context.Context, store storage.Store, e *event.Event) error {
	if o.to == nil {
		var err error
		if o.to, err = event.Create(ctx, store, o.name); err != nil {
			return err
		}
	}
	return o.to.Write(e)
}

// commit makes the object visible. Without events there is none, and it has no name.
func (o *outlet) commit() (manifest.Object, error) {
	if o.to == nil {
		return manifest.Object{}, nil
	}
	return o.to.Commit()
}

// abort gives the object up. After commit it does nothing.
func (o *outlet) abort() error {
	if o.to == nil {
		return nil
	}
	return o.to.Abort()
}
