package generate

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
)

// A published feed of which something is gone is made anew, though nothing changed;
// others keep their bytes.
func TestLostObjectsOfUnchangedFeeds(t *testing.T) {
	for what, lost := range map[string]string{"a part": "/00001.part", "an index": "/german.index"} {
		m := newMarket(t, threeFeeds)
		m.aggregate(randomRows(rand.New(rand.NewPCG(2, 2)), 200))
		first := m.generate(manifest.Done)
		want := map[string][]string{}
		for name := range first.Feeds {
			want[name] = m.export(name)
		}
		broken := ""
		for _, name := range names(t, m.store, "feeds/"+first.Run+"/") {
			if strings.HasSuffix(name, lost) && broken == "" {
				broken = name
				m.must(m.store.Remove(context.Background(), name))
			}
		}
		second := m.generate(manifest.Done)
		if !slices.ContainsFunc(second.Warnings, func(w string) bool { return strings.Contains(w, "made anew, since "+broken+" is gone") }) {
			t.Errorf("%s: warnings %q", what, second.Warnings)
		}
		kept := 0
		for name, f := range second.Feeds {
			if f.Published == first.Run {
				kept++
			}
			if diff := cmp.Diff(want[name], m.export(name)); diff != "" {
				t.Errorf("%s: feed %s (-want +got):\n%s", what, name, diff)
			}
		}
		if kept == 0 || kept == len(second.Feeds) {
			t.Errorf("%s: %d of %d feeds keep their bytes", what, kept, len(second.Feeds))
		}
		if third := m.generate(manifest.Unchanged); slices.ContainsFunc(third.Warnings, func(w string) bool { return strings.Contains(w, "made anew") }) {
			t.Errorf("%s: a run later: %q", what, third.Warnings)
		}
	}
}

// What `now` is may be in the future; what partners are told of the content is not.
func TestContentIsNotOfTheFuture(t *testing.T) {
	m := newMarket(t, threeFeeds)
	m.aggregate(randomRows(rand.New(rand.NewPCG(2, 2)), 50))
	report := m.generate(manifest.Done, func(o *Options) { o.At = m.clock.AddDate(5, 0, 0) })
	for name, e := range m.catalog().Feeds {
		if inside := m.updatedInside(name); inside.After(report.Started) || report.Started.Sub(inside) > time.Second {
			t.Errorf("feed %s changed at %s, and the run began at %s", name, inside, report.Started)
		}
		if e.Updated.Before(m.clock) || e.Updated.Sub(m.clock) > 2*time.Second {
			t.Errorf("feed %s changes for partners at %s, and was published at %s", name, e.Updated, m.clock)
		}
	}
}

// A robot that fetched the old content when the new one was published already, though
// not served yet, asks for what changed since then, and gets it.
func TestChangesForPartners(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(2, 2)), 50)
	m.aggregate(rows)
	m.generate(manifest.Done)
	m.aggregate(rows[1:])
	took := 7 * time.Second
	began := m.clock
	m.generate(manifest.Done, func(o *Options) {
		start := o.Now()
		reads := 0
		o.Now = func() time.Time { reads++; return start.Add(min(took, time.Duration(reads-1)*time.Second)) }
	})
	fetched := began.Add(took + time.Second).Truncate(time.Second)
	if updated := m.published("everything").Updated; !updated.After(fetched) {
		t.Errorf("it changed at %s, and the old one is fetched until %s", updated, fetched)
	}
}

// Feeds that end because nobody defines them any more are told of, once.
func TestGoneFeedsAreToldOf(t *testing.T) {
	m := newMarket(t, threeFeeds)
	m.aggregate(randomRows(rand.New(rand.NewPCG(2, 2)), 50))
	m.generate(manifest.Done)
	m.define(strings.Split(threeFeeds, "---")[1])
	told := func(r *Report) bool {
		return slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, "not published any more") })
	}
	if r := m.generate(manifest.Done); !told(r) {
		t.Errorf("warnings %q", r.Warnings)
	}
	if r := m.generate(manifest.Unchanged); told(r) {
		t.Errorf("told again: %q", r.Warnings)
	}
}
