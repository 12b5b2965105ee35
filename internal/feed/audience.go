package feed

import (
	"fmt"
	"slices"
	"strings"
)

// An Audience is whom events are for. Of what was made before it was kept it is not
// known, and has none.
type Audience struct {
	Destinations []string `json:"destinations,omitempty"` // sorted
	Catalog      string   `json:"catalog,omitempty"`
}

// Audience returns whom the event feed is for.
func (f *EventFeed) Audience() Audience {
	return Audience{slices.Sorted(slices.Values(f.Destinations)), f.Catalog}
}

// Is reports whether two audiences are the same, as far as is known.
func (a Audience) Is(other Audience) bool {
	return len(a.Destinations) == 0 || a.Catalog == other.Catalog && slices.Equal(a.Destinations, other.Destinations)
}

func (a Audience) String() string {
	return fmt.Sprintf("%s in catalog %s", strings.Join(a.Destinations, ", "), a.Catalog)
}
