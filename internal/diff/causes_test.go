package diff

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/locate"
	"github.com/feedmill/feedmill/internal/manifest"
)

const cautious = `
events: partner
destinations: [p]
catalog: c
where: offer.stock > 0
fields: {title: offer.title, price: offer.price}
guard: {first_run: pass, updated: 20%, removed: 20%}
`

// teas are 90 offers of three titles, all in stock.
func teas() map[string]row {
	rows := map[string]row{}
	for i := range 90 {
		rows[fmt.Sprint(i)] = row{[]string{"Tea", "Milk", "Cake"}[i%3], 100 + i, 1 + i%7}
	}
	return rows
}

// with returns the rows with those of a title changed.
func with(rows map[string]row, title string, change func(*row)) map[string]row {
	out := maps.Clone(rows)
	for id, r := range out {
		if r.Title == title {
			change(&r)
			out[id] = r
		}
	}
	return out
}

// Held events say which condition, which values of which column and which fields
// they come from; and say it again as long as they are held.
func TestCauses(t *testing.T) {
	s := newShop(t, cautious)
	first := s.snapshot(teas())
	s.diff(manifest.Done)

	dearer := with(teas(), "Milk", func(r *row) { r.Price *= 2 })
	s.snapshot(dearer)
	for range 2 {
		got := s.diff(manifest.Held).Events["partner"]
		want := &locate.Causes{Snapshot: first, Updated: []locate.Change{{What: "title Milk", Before: 30, Now: 30}}}
		if diff := cmp.Diff(want, got.Causes); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[string]int64{"price": 30}, got.Changed); diff != "" {
			t.Error(diff)
		}
		s.snapshot(dearer) // the same once more
	}

	s.snapshot(with(teas(), "Cake", func(r *row) { r.Stock = 0 }))
	stocked := s.diff(manifest.Held).Events["partner"]
	want := &locate.Causes{
		Snapshot: first,
		Legs:     []locate.Change{{What: "offer.stock > 0", Before: 90, Now: 60}},
		Values:   []locate.Change{{What: "title Cake", Before: 30}},
	}
	if diff := cmp.Diff(want, stocked.Causes); diff != "" || stocked.Edited {
		t.Errorf("edited: %t: %s", stocked.Edited, diff)
	}

	s.snapshot(teas())
	s.define(settings, strings.Replace(cautious, "offer.stock > 0", "offer.stock > 3", 1))
	want = &locate.Causes{Snapshot: first, Edited: []locate.Change{{What: "added offer.stock > 3", Before: 90, Now: 51}}}
	for range 2 {
		edited := s.diff(manifest.Held).Events["partner"]
		if diff := cmp.Diff(want, edited.Causes); diff != "" || !edited.Edited {
			t.Errorf("edited: %t: %s", edited.Edited, diff)
		}
		s.snapshot(teas())
	}
}

// Where the snapshot of what the destinations have is gone, events are held all the
// same.
func TestCausesUnknown(t *testing.T) {
	s := newShop(t, cautious)
	first := s.snapshot(teas())
	s.diff(manifest.Done)
	s.snapshot(with(teas(), "Cake", func(r *row) { r.Stock = 0 }))
	for info, err := range s.store.List(context.Background(), "snapshots/"+first+"/") {
		s.must(err)
		s.must(s.store.Remove(context.Background(), info.Name))
	}
	f := s.diff(manifest.Held).Events["partner"]
	if f.Causes == nil || !strings.Contains(f.Causes.Unknown, first) {
		t.Errorf("causes: %+v", f.Causes)
	}
}
