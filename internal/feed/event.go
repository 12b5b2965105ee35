package feed

import (
	"time"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/predicate"
)

// DefaultRefresh is how long an event feed that says nothing of it leaves its
// partners without a word of an offer.
const DefaultRefresh = 28 * 24 * time.Hour

// An EventFeed is a feed for partners that take changes.
type EventFeed struct {
	Name         string
	Place        diag.Text
	Destinations []string
	Catalog      string // with a destination it belongs to one event feed
	Where        *predicate.Expr
	Condition    diag.Text     // Where as it was written
	Fields       []Field       // by name
	Refresh      time.Duration // an unchanged offer is sent again after this; zero: never
	Choose       *Choose
	Guard        guard.Limits
	Enabled      bool
}
