package diff

import (
	"fmt"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
)

// checkAudience is why events are held that are for others than those that have the
// offers. No limit lets them pass.
const checkAudience = "destinations"

// elsewhere says why nothing of an event feed can be sent: what its destinations have
// would stay there unseen, or others would be told of changes of offers that they
// never got. It is nil where they are the same, or have nothing.
func (s *state) elsewhere(f *plannedFeed) *guard.Reason {
	if s == nil || s.Rows == 0 || s.Is(f.Audience()) {
		return nil
	}
	return &guard.Reason{Check: checkAudience, Was: s.Rows, Text: fmt.Sprintf(
		"it was for %s, where %d of its offers are, and is for %s now, so that nothing is sent: set the first again, and define another event feed for the second; "+
			"or take the offers back before, with the first and `where: false` for a run", s.Audience, s.Rows, f.Audience())}
}

// sendable refuses what is held because it is for others than those that have the offers.
func (h hold) sendable(feed string) error {
	for _, reason := range h.Reasons {
		if reason.Check == checkAudience {
			return &manifest.RefusedError{Why: fmt.Sprintf("event feed %s: %s", feed, reason.Text)}
		}
	}
	return nil
}
