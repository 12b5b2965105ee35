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
	"github.com/feedmill/feedmill/internal/storage"
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
		if !e.Updated.Equal(m.clock.Truncate(time.Second)) {
			t.Errorf("feed %s changes for partners at %s, and was published at %s", name, e.Updated, m.clock)
		}
	}
}

// For partners a feed changes when it is published, and not when the run began: who
// fetched the old content meanwhile asks for what changed since then.
func TestChangesForPartners(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(2, 2)), 50)
	m.aggregate(rows)
	m.generate(manifest.Done)
	m.aggregate(rows[1:])
	const took = 3 * time.Second
	var start time.Time
	m.generate(manifest.Done, func(o *Options) {
		start = o.Now()
		reads := 0
		o.Now = func() time.Time { reads++; return start.Add(min(took, time.Duration(reads-1)*time.Second)) }
	})
	published := start.Add(took).Truncate(time.Second)
	if updated := m.published("everything").Updated; !updated.Equal(published) {
		t.Errorf("it changed at %s, and was published at %s", updated, published)
	}
}

// An index in whose place another valid one stands is made anew.
func TestReplacedIndex(t *testing.T) {
	m := newMarket(t, threeFeeds)
	m.aggregate(randomRows(rand.New(rand.NewPCG(2, 2)), 200))
	first := m.generate(manifest.Done)
	want := m.export("german")
	other, err := storage.ReadAll(context.Background(), m.store, part.IndexName(first.Run, "everything"))
	m.must(err)
	m.write(part.IndexName(first.Run, "german"), other)
	m.generate(manifest.Done)
	if diff := cmp.Diff(want, m.export("german")); diff != "" {
		t.Error(diff)
	}
}

// Without any definition, whose files may be lost, nothing ends. Feeds that are all
// disabled do, and the offers are counted all the same.
func TestNoFeeds(t *testing.T) {
	m := newMarket(t, threeFeeds)
	rows := randomRows(rand.New(rand.NewPCG(2, 2)), 50)
	m.aggregate(rows)
	m.generate(manifest.Done)
	m.define("")
	if _, err := Run(context.Background(), m.options()); err == nil || !strings.Contains(err.Error(), "no feed is defined, and 3 are published") {
		t.Errorf("no definition: %v", err)
	}
	if len(m.export("german")) == 0 {
		t.Error("feeds are gone with their definitions")
	}
	m.define(strings.ReplaceAll(threeFeeds, "template: shop", "template: shop\nenabled: false"))
	if r := m.generate(manifest.Done); r.Offers != int64(len(rows)) || len(m.catalog().Feeds) > 0 {
		t.Errorf("%d offers, and published: %v", r.Offers, m.catalog().Feeds)
	}
}

// A feed that is disabled while the whole run is held is published still, and the
// report says so.
func TestGoneWhileAllIsHeld(t *testing.T) {
	m := newMarket(t, threeFeeds)
	m.aggregate(randomRows(rand.New(rand.NewPCG(2, 2)), 200))
	m.generate(manifest.Done)
	m.ws.Guard.HeldFeeds = 0.1
	m.define(strings.Replace(strings.Replace(threeFeeds, "where: offer.stock > 0", "where: offer.stock > 0\nenabled: false", 1), `where: "true"`, `where: "false"`, 1))
	m.ws.Guard.HeldFeeds = 0.1
	r := m.generate(manifest.Held)
	if len(r.Reasons) == 0 || !slices.ContainsFunc(r.Warnings, func(w string) bool {
		return strings.HasPrefix(w, "feed german: ") && strings.Contains(w, "it is published until")
	}) {
		t.Errorf("reasons %v, warnings %q", r.Reasons, r.Warnings)
	}
	if len(m.export("german")) == 0 {
		t.Error("it is not published")
	}
}

// The files of a feed get numbers as soon as it has limits, and lose them with these,
// though its content is the same.
func TestLimitsComeAndGo(t *testing.T) {
	m := newMarket(t, threeFeeds)
	m.aggregate(randomRows(rand.New(rand.NewPCG(2, 2)), 200))
	m.generate(manifest.Done)
	updated := m.published("german").Updated
	limited := strings.Replace(threeFeeds, "where: offer.stock > 0", "where: offer.stock > 0\nlimits: {items: 1000}", 1)
	for _, c := range []struct {
		feeds string
		want  []string
	}{{limited, []string{"german-1"}}, {threeFeeds, []string{"german"}}} {
		m.define(c.feeds)
		m.generate(manifest.Done)
		f, err := m.catalog().Open(context.Background(), m.store, "german")
		m.must(err)
		var files []string
		for _, file := range f.Files {
			files = append(files, file.Name)
		}
		if diff := cmp.Diff(c.want, files); diff != "" || !m.published("german").Updated.Equal(updated) {
			t.Errorf("%s: changed at %s, before at %s", diff, m.published("german").Updated, updated)
		}
		m.generate(manifest.Unchanged)
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
