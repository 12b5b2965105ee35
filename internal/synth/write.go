package synth

import (
	"context"
	"errors"

	"github.com/feedmill/feedmill/internal/storage"
)

// A Report says what Write found and made.
type Report struct {
	Objects int   `json:"objects"` // written by this call
	Kept    int   `json:"kept"`    // that stood there already
	Bytes   int64 `json:"bytes"`   // written by this call
	Rows    int64 `json:"rows"`    // of the offers' log, written by this call
}

// Write writes the objects of o's days to a store, those that exist excepted.
// A store that holds another market is refused.
func Write(ctx context.Context, store storage.Store, o Options) (*Report, error) {
	return nil, errors.New("synth: not written yet")
}

// New returns the market of o; its From and Days do not matter.
func New(o Options) (*Market, error) { return &Market{}, o.check() }

// Offer returns the state of the i-th offer after a day, and false when it does
// not exist then: not yet, or deleted.
func (m *Market) Offer(i, day int) (Offer, bool) { return nil, false }

// Indexes returns how many offers were ever inserted up to a day: Offer has
// something to say about 0 to Indexes-1.
func (m *Market) Indexes(day int) int { return 0 }
