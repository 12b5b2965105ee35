package generate

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

// detailOf is what current says of the feeds.
func (m *market) detailOf(run string) *part.Detail {
	m.t.Helper()
	found, err := manifest.Read(context.Background(), m.store, part.Kind, run)
	m.must(err)
	d, err := part.DetailOf(found)
	m.must(err)
	return d
}

// How a feed was written is kept with it, its template's text once; of a feed that
// is held, what is published keeps its own until somebody approves the other.
func TestWordings(t *testing.T) {
	m := newMarket(t, threeFeeds)
	m.aggregate(randomRows(rand.New(rand.NewPCG(11, 12)), 200))
	first := m.detailOf(m.generate(manifest.Done).Run)
	was := first.Conditions["everything"]
	if !was.Whole || was.Params["title"] != "All" || was.Template != "shop" || len(first.Templates) != 1 || first.Templates[was.Text] != m.ws.Templates["shop"].Text() {
		t.Errorf("kept: %+v, %d templates", was, len(first.Templates))
	}
	before := first.Conditions["wellcome"].Where
	m.define(strings.Replace(threeFeeds, "offer.price < 50.0", "offer.price < 0.0", 1))
	held := m.generate(manifest.Held)
	d := m.detailOf(held.Run)
	if d.Conditions["wellcome"].Where != before || !strings.Contains(d.Held["wellcome"].Where, "offer.price < 0.0") {
		t.Errorf("of a held feed: %+v, %+v", d.Conditions["wellcome"], d.Held["wellcome"])
	}
	other := m.detailOf(m.generate(manifest.Held, onlyFeed("german"), func(o *Options) { o.Full = true }).Run)
	if other.Conditions["wellcome"].Where != before || len(other.Held) != 1 {
		t.Errorf("after a run of another feed: %+v, %+v", other.Conditions["wellcome"], other.Held)
	}
	d = m.detailOf(m.decide(manifest.Approved, held.Run).Run)
	if !strings.Contains(d.Conditions["wellcome"].Where, "offer.price < 0.0") || len(d.Held) > 0 {
		t.Errorf("approved: %+v, %+v", d.Conditions["wellcome"], d.Held)
	}
	m.generate(manifest.Unchanged)
}

// What an earlier program published is made again once, so that it is known how it
// was written, though nothing else has changed.
func TestUnwordedRun(t *testing.T) {
	m := newMarket(t, threeFeeds)
	m.aggregate(randomRows(rand.New(rand.NewPCG(11, 12)), 200))
	old := m.generate(manifest.Done)
	m.forget(old.Run, "fields", "params", "choose", "whole", "template", "text")
	again := m.generate(manifest.Done)
	if !m.detailOf(again.Run).Conditions["german"].Whole || again.Carried == 0 {
		t.Errorf("carried %d, kept: %+v", again.Carried, m.detailOf(again.Run).Conditions["german"])
	}
	for name, f := range again.Feeds {
		if f.Published != old.Run {
			t.Errorf("feed %s has other bytes, of run %s", name, f.Published)
		}
	}
	m.generate(manifest.Unchanged)
}

// forget takes keys out of the wordings of a run, as if an earlier program had
// made it.
func (m *market) forget(run string, keys ...string) {
	m.t.Helper()
	found, err := manifest.Read(context.Background(), m.store, part.Kind, run)
	m.must(err)
	var d map[string]any
	m.must(json.Unmarshal(found.Detail, &d))
	delete(d, "templates")
	for _, one := range d["conditions"].(map[string]any) {
		for _, key := range keys {
			delete(one.(map[string]any), key)
		}
	}
	found.Detail, err = json.Marshal(d)
	m.must(err)
	m.must(m.store.Remove(context.Background(), manifest.Name(part.Kind, run)))
	m.must(manifest.Commit(context.Background(), m.store, part.Kind, found))
}
