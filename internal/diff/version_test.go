package diff

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
)

// Where numbers of current were removed, events have greater versions than all that
// were sent, and ids of their own; also days later, and where the runs are damaged.
func TestVersionsGrowThoughCurrentIsLost(t *testing.T) {
	for lost := range 5 {
		for _, damaged := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d numbers, damaged %t", lost, damaged), func(t *testing.T) {
				s := newShop(t, partner)
				rows := maps.Clone(today)
				day := func() string {
					rows["a"] = row{"Tea", rows["a"].Price + 1, 3}
					s.snapshot(rows)
					r := s.diff(manifest.Done)
					s.clock = s.clock.Add(20 * time.Hour)
					return r.Run
				}
				var runs []string
				for range 4 {
					runs = append(runs, day())
					s.diff(manifest.Unchanged)
				}
				for i := range lost {
					s.must(s.store.Remove(t.Context(), fmt.Sprintf("events/current/%012d", 4-i)))
					if name := manifest.Name(event.Kind, runs[3-i]); damaged {
						s.must(storage.WriteAll(t.Context(), s.store, name, storage.Replace, []byte("{}")))
					}
				}
				day()
				day()
				if diff := cmp.Diff(taken(rows), known(t, s.topic, "partner")); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}
