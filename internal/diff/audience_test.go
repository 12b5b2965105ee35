package diff

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
)

// told is what a pair of destination and catalog was told to have: every event of the
// topic that names it.
func (s *shop) told(destination, catalog string) map[string]string {
	s.t.Helper()
	out := map[string]string{}
	for _, r := range s.topic.Records() {
		var data event.Data
		s.must(json.Unmarshal(r.Value, &data))
		if data.Catalog != catalog || !slices.Contains(data.Destinations, destination) {
			continue
		}
		kind := ""
		for _, h := range r.Headers {
			if h.Key == "ce_type" {
				kind = string(h.Value)
			}
		}
		_, there := out[string(r.Key)]
		switch {
		case kind == "offer.removed" && there:
			delete(out, string(r.Key))
		case kind == "offer.added" || kind == "offer.updated" && there:
			out[string(r.Key)] = string(data.Fields)
		default:
			s.t.Errorf("%s in %s never got %s, of which it is told %s", destination, catalog, r.Key, kind)
		}
	}
	return out
}

// An event feed whose destinations or catalog are others than those that have its
// offers sends nothing, whatever its guard says and whoever approves it.
func TestOtherDestinations(t *testing.T) {
	for name, edit := range map[string]*strings.Replacer{
		"another destination":  strings.NewReplacer("[p]", "[q]"),
		"another catalog":      strings.NewReplacer("catalog: c", "catalog: d"),
		"one more destination": strings.NewReplacer("[p]", "[p, q]"),
		"and other fields":     strings.NewReplacer("[p]", "[q]", "fields: {", "fields: {id: offer.id, ", "first_run: pass", "first_run: pass, redefined: pass"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, partner)
			s.snapshot(today)
			s.diff(manifest.Done)
			s.define(settings, edit.Replace(partner))
			held := s.diff(manifest.Held)
			s.snapshot(tomorrow())
			again := s.diff(manifest.Held)
			for _, r := range []*Report{held, again} {
				if reasons := r.Events["partner"].Reasons; r.Sent != 0 || len(reasons) != 1 || reasons[0].Check != "destinations" || !strings.Contains(reasons[0].Text, "it was for p in catalog c, where 3 of its offers are, and is for") {
					t.Errorf("%+v", r)
				}
			}
			_, err := Decide(context.Background(), DecideOptions{Options: s.options(), Run: again.Run, Decision: manifest.Decision{Action: manifest.Approved, By: "ann", Reason: "go"}})
			var refused *manifest.RefusedError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), "event feed partner: it was for p") {
				t.Errorf("approved: %v", err)
			}
			s.decide(manifest.Rejected, again.Run)
			s.diff(manifest.Unchanged)
			if diff := cmp.Diff(taken(today), s.state("partner")); diff != "" {
				t.Error(diff)
			}
			s.define(settings, partner)
			s.diff(manifest.Done)
			if diff := cmp.Diff(taken(tomorrow()), s.told("p", "c")); diff != "" {
				t.Errorf("set back: %s", diff)
			}
			if got := len(s.told("q", "c")) + len(s.told("p", "d")); got > 0 {
				t.Errorf("others were told of %d offers", got)
			}
		})
	}
}

// Destinations in another order are the same ones.
func TestDestinationsInAnotherOrder(t *testing.T) {
	s := newShop(t, strings.Replace(partner, "[p]", "[p, q]", 1))
	s.snapshot(today)
	s.diff(manifest.Done)
	s.define(settings, strings.Replace(partner, "[p]", "[q, p]", 1))
	s.snapshot(tomorrow())
	s.diff(manifest.Done)
}

// Once the old destinations gave the offers back, the new ones get all of them.
func TestDestinationsAfterOffersWereTakenBack(t *testing.T) {
	s := newShop(t, partner)
	s.snapshot(today)
	s.diff(manifest.Done)
	s.define(settings, strings.Replace(partner, "where: offer.stock > 0", "where: false", 1))
	s.diff(manifest.Done)
	s.define(settings, strings.NewReplacer("[p]", "[q]", "first_run: pass", "first_run: pass, floor: 100").Replace(partner))
	s.diff(manifest.Done)
	if diff := cmp.Diff(map[string]map[string]string{"p": {}, "q": taken(today)}, map[string]map[string]string{"p": s.told("p", "c"), "q": s.told("q", "c")}); diff != "" {
		t.Error(diff)
	}
}

// What is held for some destinations is neither approved nor rejected for others.
func TestHoldOfOtherDestinations(t *testing.T) {
	held := strings.Replace(partner, "guard: {first_run: pass}", "", 1)
	for _, action := range []string{manifest.Approved, manifest.Rejected} {
		s := newShop(t, held)
		s.snapshot(today)
		first := s.diff(manifest.Held)
		if action == manifest.Rejected {
			s.decide(action, first.Run)
			s.diff(manifest.Unchanged)
		}
		s.define(settings, strings.Replace(held, "[p]", "[q]", 1))
		second := s.diff(manifest.Held)
		if second.Holds["partner"].Run != second.Run {
			t.Fatalf("%s: what the first holds is held still: %+v", action, second.Holds)
		}
		s.decide(manifest.Approved, second.Run)
		if diff := cmp.Diff(map[string]map[string]string{"p": {}, "q": taken(today)}, map[string]map[string]string{"p": s.told("p", "c"), "q": s.told("q", "c")}); diff != "" {
			t.Errorf("%s: %s", action, diff)
		}
	}
}

// A state that does not say whom it was for counts as for those that are defined.
func TestStateWithoutDestinations(t *testing.T) {
	s := newShopOfV1(t)
	s.define(settingsOfV1, strings.Replace(partner, "[p]", "[q]", 1))
	rows := tomorrow()
	rows["b"] = today["b"]
	s.snapshot(rows)
	s.diff(manifest.Unchanged)
	rows["b"] = row{"Milk <1 l>", 120, 9}
	s.snapshot(rows)
	s.diff(manifest.Done)
	s.define(settingsOfV1, partner)
	s.diff(manifest.Held)
}
