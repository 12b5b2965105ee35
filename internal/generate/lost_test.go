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
	"github.com/feedmill/feedmill/internal/part"
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
	catalog, err := part.Published(context.Background(), m.store)
	m.must(err)
	for name, e := range catalog.Feeds {
		if e.Updated.After(report.Started) || report.Started.Sub(e.Updated) > time.Second {
			t.Errorf("feed %s changed at %s, and the run began at %s", name, e.Updated, report.Started)
		}
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
