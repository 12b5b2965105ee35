package guard_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/guard"
)

func n(count int64) *int64 { return &count }

// tripped names the checks of a verdict.
func tripped(v guard.Verdict) string {
	var names []string
	for _, r := range v.Reasons {
		names = append(names, r.Check)
	}
	return strings.Join(names, " ")
}

func with(change func(*guard.Limits)) guard.Limits {
	l := guard.Defaults()
	change(&l)
	return l
}

func TestFeed(t *testing.T) {
	strict := with(func(l *guard.Limits) { l.Floor, l.Drop = 0, 0.29 })
	for _, c := range []struct {
		name   string
		limits guard.Limits
		before *int64
		now    guard.FeedCounts
		want   string
	}{
		{"as before", guard.Defaults(), n(1000), guard.FeedCounts{Items: 1000, Read: 5000}, ""},
		{"half is not more than half", guard.Defaults(), n(1000), guard.FeedCounts{Items: 500}, ""},
		{"more than half is gone", guard.Defaults(), n(1000), guard.FeedCounts{Items: 499}, "drop"},
		{"a share that binary fractions cannot hold", strict, n(100), guard.FeedCounts{Items: 71}, ""},
		{"one more than such a share", strict, n(100), guard.FeedCounts{Items: 70}, "drop"},
		{"below the floor", guard.Defaults(), n(110), guard.FeedCounts{Items: 11}, ""},
		{"at the floor", guard.Defaults(), n(110), guard.FeedCounts{Items: 10}, "drop"},
		{"four times as many", guard.Defaults(), n(1000), guard.FeedCounts{Items: 4000}, ""},
		{"more than that", guard.Defaults(), n(1000), guard.FeedCounts{Items: 4001}, "growth"},
		{"from nothing", guard.Defaults(), n(0), guard.FeedCounts{Items: 100}, "growth"},
		{"from nothing, below the floor", guard.Defaults(), n(0), guard.FeedCounts{Items: 99}, ""},
		{"growth without limit", with(func(l *guard.Limits) { l.Growth = guard.NoLimit }), n(0), guard.FeedCounts{Items: 1 << 40}, ""},
		{"empty", guard.Defaults(), n(10), guard.FeedCounts{}, "empty"},
		{"empty and a drop", guard.Defaults(), n(1000), guard.FeedCounts{}, "empty drop"},
		{"empty may be", with(func(l *guard.Limits) { l.Empty = guard.Pass }), n(10), guard.FeedCounts{}, ""},
		{"still empty", guard.Defaults(), n(0), guard.FeedCounts{}, ""},
		{"empty at first", guard.Defaults(), nil, guard.FeedCounts{}, "empty"},
		{"first run", guard.Defaults(), nil, guard.FeedCounts{Items: 1 << 40}, ""},
		{"first run held", with(func(l *guard.Limits) { l.FirstRun = guard.Hold }), nil, guard.FeedCounts{Items: 1}, "first_run"},
		{"errors at the limit", guard.Defaults(), n(10), guard.FeedCounts{Items: 10, Read: 1000, Errors: 10}, ""},
		{"errors, whatever the floor", guard.Defaults(), n(10), guard.FeedCounts{Items: 10, Read: 1000, Errors: 11}, "errors"},
		{"a single error of a single offer", guard.Defaults(), n(10), guard.FeedCounts{Items: 10, Read: 1, Errors: 1}, "errors"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := guard.Feed(c.limits, c.before, c.now)
			if got := tripped(v); got != c.want {
				t.Errorf("tripped %q, want %q", got, c.want)
			}
			if v.Held() != (c.want != "") {
				t.Errorf("held is %v", v.Held())
			}
		})
	}
}

// Everything that is no limit and no count holds.
func TestFailsClosed(t *testing.T) {
	fine := guard.FeedCounts{Items: 1000, Read: 1000}
	for name, v := range map[string]guard.Verdict{
		"zero limits":       guard.Feed(guard.Limits{}, n(1000), guard.FeedCounts{Items: 999}),
		"zero limits first": guard.Feed(guard.Limits{}, nil, fine),
		"unknown action":    guard.Feed(with(func(l *guard.Limits) { l.FirstRun = "perhaps" }), nil, fine),
		"negative share":    guard.Feed(with(func(l *guard.Limits) { l.Errors = -1 }), n(1000), fine),
		"share not number":  guard.Feed(with(func(l *guard.Limits) { l.Errors = guard.Share(math.NaN()) }), n(1000), fine),
		"negative floor":    guard.Feed(with(func(l *guard.Limits) { l.Floor = -1 }), n(10), guard.FeedCounts{Items: 1}),
		"negative count":    guard.Feed(guard.Defaults(), n(1000), guard.FeedCounts{Items: 1000, Read: -1}),
		"negative before":   guard.Source(guard.SourceDefaults(), n(-1), 10),
		"more held":         guard.Run(guard.Defaults(), 3, 2),
		"zero verdict":      {},
	} {
		if !v.Held() {
			t.Errorf("%s passes", name)
		}
	}
}

func TestSource(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits guard.Limits
		before *int64
		after  int64
		want   string
	}{
		{"the first state", guard.SourceDefaults(), nil, 5, ""},
		{"growth is welcome", guard.SourceDefaults(), n(100), 1 << 40, ""},
		{"a truncated dump", guard.SourceDefaults(), n(1_000_000), 400_000, "drop"},
		{"an empty dump", guard.SourceDefaults(), n(50), 0, "empty"},
		{"an empty first dump", guard.SourceDefaults(), nil, 0, "empty"},
	} {
		if got := tripped(guard.Source(c.limits, c.before, c.after)); got != c.want {
			t.Errorf("%s: tripped %q, want %q", c.name, got, c.want)
		}
	}
}

func TestEvents(t *testing.T) {
	limits := with(func(l *guard.Limits) { l.Fields = map[string]guard.Share{"price": 0.4} }).ForEvents()
	counts := func(added, removed, updated int64) guard.EventCounts {
		return guard.EventCounts{Items: 1000 + added - removed, Read: 9999, Added: added, Removed: removed, Updated: updated}
	}
	redefined := counts(0, 0, 0)
	redefined.Redefined = true
	held := func(removed int64) guard.EventCounts {
		c := counts(0, removed, 0)
		c.RemovedOf = n(1000)
		return c
	}
	prices := counts(0, 0, 500)
	prices.Fields = map[string]int64{"price": 401, "title": 500}
	for _, c := range []struct {
		name         string
		before       *int64
		now          guard.EventCounts
		want         string
		removalsOnly bool
	}{
		{"little changed", n(1000), counts(300, 100, 600), "", false},
		{"many new", n(1000), counts(301, 0, 0), "added", false},
		{"many gone", n(1000), counts(0, 101, 0), "removed", true},
		{"many gone, as long as they are held", n(1300), held(120), "removed", true},
		{"not so many any more", n(1300), held(100), "", false},
		{"many gone and new", n(1000), counts(301, 101, 0), "added removed", false},
		{"many changed", n(1000), counts(0, 0, 601), "updated", false},
		{"prices changed", n(1000), prices, "fields.price", false},
		{"redefined", n(1000), redefined, "redefined", false},
		{"the first run", nil, counts(1000, 0, 0), "first_run", false},
		{"below the floor", n(10), counts(99, 9, 10), "", false},
		{"nothing is left", n(1000), counts(0, 1000, 0), "empty removed", false},
		{"errors", n(1000), guard.EventCounts{Items: 1000, Read: 100, Errors: 2}, "errors", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := guard.Events(limits, c.before, c.now)
			if got := tripped(v); got != c.want || v.RemovalsOnly() != c.removalsOnly {
				t.Errorf("tripped %q (removals only: %v), want %q (%v)", got, v.RemovalsOnly(), c.want, c.removalsOnly)
			}
		})
	}
}

// A share of so many percent is not exceeded by as many of a hundred, whatever binary
// fractions make of it.
func TestExceeded(t *testing.T) {
	for percent := range int64(100) {
		share := guard.Share(float64(percent) / 100)
		if share.Exceeded(percent, 100) || !share.Exceeded(percent+1, 100) || share.Exceeded(7*percent, 700) || !share.Exceeded(percent*1_000_000+1, 100_000_000) {
			t.Errorf("%d%%", percent)
		}
	}
}

func TestRun(t *testing.T) {
	for _, c := range []struct {
		held, feeds int
		want        string
	}{{0, 0, ""}, {0, 10, ""}, {2, 10, ""}, {3, 10, "held_feeds"}, {1, 1, "held_feeds"}, {260, 1300, ""}, {261, 1300, "held_feeds"}} {
		if got := tripped(guard.Run(guard.Defaults(), c.held, c.feeds)); got != c.want {
			t.Errorf("%d of %d: tripped %q, want %q", c.held, c.feeds, got, c.want)
		}
	}
}

func TestReasons(t *testing.T) {
	limits := with(func(l *guard.Limits) { l.Fields = map[string]guard.Share{"price": 0.4} })
	for _, c := range []struct {
		v    guard.Verdict
		want guard.Reason
	}{
		{
			guard.Feed(limits, n(1_234_567), guard.FeedCounts{Items: 456_789}),
			guard.Reason{Check: "drop", Limit: "50%", Was: 1_234_567, Is: 456_789, Text: "456,789 items instead of 1,234,567: 63% fewer, and the limit is 50%"},
		},
		{
			guard.Feed(limits, n(0), guard.FeedCounts{Items: 100}),
			guard.Reason{Check: "growth", Limit: "300%", Is: 100, Text: "100 items instead of 0, and the limit is 300%"},
		},
		{
			guard.Feed(limits, nil, guard.FeedCounts{}),
			guard.Reason{Check: "empty", Text: "there are no items"},
		},
		{
			guard.Feed(limits, n(10), guard.FeedCounts{Items: 10, Read: 2000, Errors: 25}),
			guard.Reason{Check: "errors", Limit: "1%", Was: 2000, Is: 25, Text: "the condition failed for 25 of 2,000 offers: 1.3%, and the limit is 1%"},
		},
		{
			guard.Events(limits, n(1000), guard.EventCounts{Items: 1000, Updated: 450, Fields: map[string]int64{"price": 450}}),
			guard.Reason{Check: "fields.price", Limit: "40%", Was: 1000, Is: 450, Text: "450 of 1,000 offers changed their price: 45%, and the limit is 40%"},
		},
		{
			guard.Events(limits, n(1000), guard.EventCounts{Items: 880, Removed: 120}),
			guard.Reason{Check: "removed", Limit: "10%", Was: 1000, Is: 120, Text: "120 of 1,000 offers were removed: 12%, and the limit is 10%"},
		},
		{
			guard.Events(limits, n(300), guard.EventCounts{Items: 20, Removed: 280, RemovedOf: n(260)}),
			guard.Reason{Check: "removed", Limit: "10%", Was: 260, Is: 280, Text: "280 of 300 offers were removed: 107.7% of the 260 that there were when removals were held first, and the limit is 10%"},
		},
		{
			guard.Run(limits, 300, 1300),
			guard.Reason{Check: "held_feeds", Limit: "20%", Was: 1300, Is: 300, Text: "300 of 1,300 feeds are held: 23.1%, and the limit is 20%"},
		},
	} {
		if d := cmp.Diff(guard.Verdict{Verdict: guard.Hold, Reasons: []guard.Reason{c.want}}, c.v); d != "" {
			t.Error(d)
		}
	}
}

func TestShareString(t *testing.T) {
	for s, want := range map[guard.Share]string{0: "0%", 0.001: "0.1%", 0.29: "29%", 0.3: "30%", 3: "300%", 0.00125: "0.125%", guard.NoLimit: "no limit"} {
		if got := s.String(); got != want {
			t.Errorf("%v is %q, want %q", float64(s), got, want)
		}
	}
}

func TestOwnLimitsShareNothing(t *testing.T) {
	all := with(func(l *guard.Limits) { l.Fields = map[string]guard.Share{"price": 0.4} })
	own := all.ForEvents()
	own.Fields["price"] = 0.1
	if all.Fields["price"] != 0.4 || own.FirstRun != guard.Hold || all.FirstRun != guard.Pass {
		t.Errorf("the limits of all became %+v", all)
	}
}

// A verdict of a feed agrees with exact arithmetic on shares of whole percents.
func TestFeedAgreesWithIntegers(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	for range 20_000 {
		before, after, percent, floor := r.Int64N(3000), 1+r.Int64N(3000), r.Int64N(120), r.Int64N(300)
		l := with(func(l *guard.Limits) {
			l.Drop, l.Growth, l.Floor = guard.Share(percent)/100, guard.Share(percent)/100, floor
		})
		changed := max(before-after, after-before)
		want := changed > 0 && changed >= floor && changed*100 > percent*before
		if got := guard.Feed(l, &before, guard.FeedCounts{Items: after, Read: 3000}).Held(); got != want {
			t.Fatalf("seed %d: %s: held is %v", seed, fmt.Sprintf("%d -> %d, limit %d%%, floor %d", before, after, percent, floor), got)
		}
	}
}
