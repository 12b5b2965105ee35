package generate

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

func without(rows []map[string]any, drop func(map[string]any) bool) []map[string]any {
	return slices.DeleteFunc(slices.Clone(rows), drop)
}

func ofWellcome(r map[string]any) bool { return r["seller"] == "WELLCOME" }

// holds are the open ones as a run's manifest keeps them.
func (m *market) holds(run string) map[string]part.Hold {
	m.t.Helper()
	found, err := manifest.Read(context.Background(), m.store, part.Kind, run)
	m.must(err)
	d, err := part.DetailOf(found)
	m.must(err)
	return d.Holds
}

func onlyFeed(name string) func(*Options) {
	return func(o *Options) { o.Feeds = []string{name} }
}

// A hold is open until a run lets its feed pass: runs that have nothing to do and
// runs of other feeds are held too. A newer run of the feed takes its place.
func TestHoldsStayOpen(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(11, 12)), 200)
	m.aggregate(rows)
	m.generate(manifest.Done)
	m.aggregate(without(rows, ofWellcome))
	first := m.generate(manifest.Held)
	if got := slices.Sorted(maps.Keys(first.Holds)); !slices.Equal(got, []string{"wellcome"}) || first.Holds["wellcome"].Run != first.Run {
		t.Fatalf("open holds: %+v", first.Holds)
	}
	again := m.generate(manifest.Held)
	if diff := cmp.Diff(first.Holds, again.Holds); diff != "" {
		t.Errorf("after a run that had nothing to do: %s", diff)
	}
	m.aggregate(without(rows[10:], ofWellcome))
	other := m.generate(manifest.Held, onlyFeed("german"))
	if diff := cmp.Diff(first.Holds, other.Holds); diff != "" || len(other.Feeds) != 1 {
		t.Errorf("after a run of another feed: %s", diff)
	}
	second := m.generate(manifest.Held)
	if h := second.Holds["wellcome"]; h.Run != second.Run || !h.Opened.Equal(first.Holds["wellcome"].Opened) {
		t.Errorf("after a newer run: %+v", second.Holds)
	}
	m.aggregate(rows)
	last := m.generate(manifest.Done)
	if len(last.Holds) > 0 || len(m.holds(last.Run)) > 0 {
		t.Errorf("the hold is still open: %+v", last.Holds)
	}
	m.generate(manifest.Unchanged)
}

// What a hold keeps is what approving it would publish.
func TestHoldKeepsTheFeed(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(11, 12)), 200)
	m.aggregate(rows)
	m.generate(manifest.Done)
	few := without(rows, func(r map[string]any) bool { return ofWellcome(r) && r["stock"] != 1 })
	m.aggregate(few)
	held := m.generate(manifest.Held)
	hold := m.holds(held.Run)["wellcome"]
	f, err := part.OpenFeed(context.Background(), m.store, hold.Index)
	m.must(err)
	if f.Content.String() != hold.Content || f.Items() != held.Feeds["wellcome"].Items || f.Items() == 0 || len(hold.Reasons) == 0 {
		t.Errorf("held: %+v", hold)
	}
}

// A held feed's report says what it would gain and lose.
func TestHeldChanges(t *testing.T) {
	m := newMarket(t, strings.Replace(threeFeeds, "feed: wellcome\n", "feed: wellcome\nguard: {drop: 1%}\n", 1))
	rows := randomRows(rand.New(rand.NewPCG(11, 12)), 60)
	m.aggregate(rows)
	before := m.generate(manifest.Done)
	was := ids(m.export("wellcome")[0])
	some := map[string]bool{}
	for _, id := range was[:min(4, len(was))] {
		some[id] = true
	}
	fewer := without(rows, func(r map[string]any) bool { return some[text(r, "id")] })
	m.aggregate(append(fewer, map[string]any{"id": "new", "seller": "WELLCOME", "title": "New", "price": "1.00"}))
	f := m.generate(manifest.Held).Feeds["wellcome"]
	slices.Sort(f.Lost)
	if diff := cmp.Diff(was[:4], f.Lost); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"new"}, f.Gained); diff != "" {
		t.Errorf("gained (-want +got):\n%s", diff)
	}
	if f.Redefined || f.Unknown != "" || *f.Before != before.Feeds["wellcome"].Items {
		t.Errorf("report: %+v", f)
	}
}

// The definition that a held feed is compared with is that of what is published,
// however many runs were held since.
func TestHeldRedefinition(t *testing.T) {
	m := newMarket(t, threeFeeds)
	m.aggregate(randomRows(rand.New(rand.NewPCG(11, 12)), 200))
	m.generate(manifest.Done)
	m.define(strings.Replace(threeFeeds, "offer.price < 50.0", "offer.price < 0.0", 1))
	for i := range 3 {
		if f := m.generate(manifest.Held).Feeds["wellcome"]; !f.Redefined {
			t.Errorf("run %d does not say that the definition changed", i)
		}
		m.aggregate(m.rows)
	}
}

// Raising a limit lets a held feed pass without anything else having changed.
func TestOtherLimits(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(11, 12)), 200)
	m.aggregate(rows)
	m.generate(manifest.Done)
	m.aggregate(without(rows, ofWellcome))
	m.generate(manifest.Held)
	m.define(strings.Replace(threeFeeds, "feed: wellcome\n", "feed: wellcome\nguard: {empty: pass, drop: 100%}\n", 1))
	passed := m.generate(manifest.Done)
	if passed.Feeds["wellcome"].Published != passed.Run || len(ids(m.export("wellcome")[0])) > 0 {
		t.Errorf("report: %+v", passed.Feeds["wellcome"])
	}
}

// A run held as a whole changes nothing that is published, and is not forgotten:
// a run that has nothing to do is held too, for the same reasons, and writes
// nothing.
func TestRunHeldStaysOpen(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(13, 14)), 200)
	m.aggregate(rows)
	first := m.generate(manifest.Done)
	docs := m.export("everything")
	m.aggregate(rows[:20])
	held := m.generate(manifest.Held)
	if got := slices.Sorted(maps.Keys(m.holds(held.Run))); !slices.Equal(got, []string{"everything", "german", "wellcome"}) {
		t.Errorf("open holds: %v", got)
	}
	again := m.generate(manifest.Held)
	if diff := cmp.Diff(held.Reasons, again.Reasons); diff != "" || len(again.Phases) > 0 || m.current() != first.Run {
		t.Errorf("again: %+v", again)
	}
	if diff := cmp.Diff(docs, m.export("everything")); diff != "" {
		t.Error(diff)
	}
	m.aggregate(rows)
	mended := m.generate(manifest.Done)
	if len(mended.Holds) > 0 || m.current() != mended.Run || mended.Feeds["everything"].Published != first.Run {
		t.Errorf("mended: %+v", mended)
	}
	m.generate(manifest.Unchanged)
}

// Also before anything is published.
func TestFirstRunHeld(t *testing.T) {
	m := newMarketOf(t, strings.Replace(settings, "guard: {", "guard: {first_run: hold, ", 1), threeFeeds)
	m.aggregate(randomRows(rand.New(rand.NewPCG(13, 14)), 50))
	first := m.generate(manifest.Held)
	again := m.generate(manifest.Held)
	if m.current() != "" || len(again.Phases) > 0 || len(first.Holds) != 3 {
		t.Errorf("first %+v, again %+v", first, again)
	}
	if _, err := export(m.store, "everything"); err == nil {
		t.Error("it is published")
	}
}

// An unchanged feed keeps its bytes for as long as `republish` says, and then has
// those of the newest run, with the same time of its last change.
func TestRepublish(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(5, 6)), 100)
	m.aggregate(rows)
	first := m.generate(manifest.Done)
	docs := m.export("everything")
	updated := m.published("everything").Updated
	for _, c := range []struct {
		after time.Duration
		moves bool
	}{{23 * time.Hour, false}, {2 * time.Hour, true}, {23 * time.Hour, false}} {
		m.clock = m.clock.Add(c.after)
		m.aggregate(rows)
		report := m.generate(manifest.Done)
		if got := report.Feeds["everything"].Published == report.Run; got != c.moves {
			t.Errorf("after %s more the feed moves: %v", c.after, got)
		}
	}
	if diff := cmp.Diff(docs, m.export("everything")); diff != "" {
		t.Error(diff)
	}
	if e := m.published("everything"); e.Run == first.Run || !e.Updated.Equal(updated) {
		t.Errorf("entry: %+v", e)
	}
}

// The time of the last change grows with each change, also when `now` does not.
func TestUpdatedGrows(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(5, 6)), 100)
	at := func(o *Options) { o.At = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	var last, said time.Time
	for n := range 3 {
		m.aggregate(rows[n:])
		m.generate(manifest.Done, at)
		updated, inside := m.published("everything").Updated, m.updatedInside("everything")
		if !updated.After(last) || !inside.After(said) {
			t.Errorf("change %d: updated %s after %s, in the feed %s after %s", n, updated, last, inside, said)
		}
		last, said = updated, inside
	}
}

// A guard that cannot be computed holds.
func TestHeldWhenOldIndexIsDamaged(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(11, 12)), 200)
	m.aggregate(rows)
	first := m.generate(manifest.Done)
	m.must(m.store.Remove(context.Background(), part.IndexName(first.Run, "wellcome")))
	m.aggregate(without(rows, ofWellcome))
	f := m.generate(manifest.Held).Feeds["wellcome"]
	if f.Verdict != guard.Hold || !strings.Contains(f.Unknown, "wellcome.index") {
		t.Errorf("report: %+v", f)
	}
}
