package feed

import (
	"time"

	"github.com/feedmill/feedmill/internal/diag"
)

// A Test is what a user expects of a feed for a few offers.
type Test struct {
	Feed    string // a feed's or event feed's name
	Place   diag.Text
	Now     time.Time // zero: not given
	Offers  []TestOffer
	Expect  []diag.Text          // ids of the offers that the feed takes, in any order
	Renders map[string]diag.Text // by id: the rendered item
}

// A TestOffer is one row; columns that it leaves out are null.
type TestOffer struct {
	ID     string
	Place  diag.Text
	Values map[string]TestValue // by column, without the id
}

// A TestValue is a plain value and the place where it stands.
type TestValue struct {
	Place diag.Text
	Value any // nil, bool, int64, string (also of a number with a point), []any or map[string]any
}
