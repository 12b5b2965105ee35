package diff

import (
	"context"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/manifest"
)

func (s *shop) wordings(run string) feed.Wordings {
	s.t.Helper()
	m, err := manifest.Read(context.Background(), s.store, event.Kind, run)
	s.must(err)
	known, err := Known(m)
	s.must(err)
	return known.Wordings
}

// How an event feed was written is kept with what the destinations have of it; while
// another definition is held, theirs stays.
func TestWordings(t *testing.T) {
	s := newShop(t, partner)
	s.snapshot(today)
	was := s.wordings(s.diff(manifest.Done).Run).Conditions["partner"]
	if !was.Whole || was.Fields["title"] == "" || was.Template != "" {
		t.Errorf("kept: %+v", was)
	}
	s.define(settings, strings.Replace(partner, "fields: {", "fields: {id: offer.id, ", 1))
	held := s.diff(manifest.Held)
	w := s.wordings(held.Run)
	if w.Conditions["partner"].Fields["id"] != "" || w.Held["partner"].Fields["id"] != "offer.id" {
		t.Errorf("held: %+v", w)
	}
	w = s.wordings(s.decide(manifest.Approved, held.Run).Run)
	if w.Conditions["partner"].Fields["id"] != "offer.id" || len(w.Held) > 0 {
		t.Errorf("approved: %+v", w)
	}
	s.diff(manifest.Unchanged)
}
