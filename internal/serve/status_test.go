package serve

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/guard"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
)

// text is a page's text without its elements.
func text(t *testing.T, page string) string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var words []string
	for {
		token, err := d.Token()
		if err == io.EOF {
			return strings.Join(words, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		if chars, ok := token.(xml.CharData); ok {
			words = append(words, strings.Fields(string(chars))...)
		}
	}
}

// The page says what is published, and what is held since when and why.
func TestStatus(t *testing.T) {
	m := newMarket(t)
	m.feed("shop", false, items(1200, 3))
	m.feed("many", true, items(5, 5), items(6, 7))
	m.detail.Holds["shop"] = part.Hold{
		Entry: part.Entry{Run: m.run()}, Opened: m.clock.Now().Add(-72 * time.Hour), Reasons: []guard.Reason{{Check: "drop", Text: "too few <b>items</b>"}},
	}
	m.detail.Holds["first"] = part.Hold{Opened: m.clock.Now(), Reasons: []guard.Reason{{Check: "first_run", Text: "there is nothing to compare with"}}}
	m.publish()
	m.clock.add(2 * time.Hour)
	c := m.serve()
	got := text(t, c.get("/").body)
	for _, want := range []string{
		"Published by run 20260102T030405.000Z-abcdef , 2 hours ago; 2 held .", "The newest run of generate, 20260102T030405.000Z-abcdef : done, 2 hours ago.",
		"shop Held since 3 days ago", "too few <b>items</b>", "1,200", "many 11", "about -1.xml -2.xml", "first Held since 2 hours ago: there", "not published yet",
		"2026-01-02 05:04:06 UTC",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
	if !strings.Contains(c.get("/metrics").body, "feedmill_held_feeds 2\n") {
		t.Error("the metrics do not count the holds")
	}
}

// The holds of a run that is held as a whole are those that count.
func TestWithheldRun(t *testing.T) {
	m := newMarket(t)
	m.feed("shop", false, items(3, 3))
	m.publish()
	detail, err := json.Marshal(part.Detail{Withheld: true, Feeds: m.detail.Feeds, Holds: map[string]part.Hold{
		"shop": {Opened: m.clock.Now(), Reasons: []guard.Reason{{Check: "drop", Text: "half of it is gone"}}},
	}})
	m.must(err)
	base, err := manifest.Current(t.Context(), m.store, part.Kind)
	m.must(err)
	now := m.clock.Now()
	m.must(manifest.Commit(t.Context(), m.store, part.Kind, &manifest.Manifest{
		Run: m.run(), Stage: "generate", Status: manifest.Held, Started: now, Finished: now, Base: base.N, Detail: detail,
	}))
	m.must(manifest.NoteWithheld(t.Context(), m.store, part.Kind, base, m.run()))
	got := text(t, m.serve().get("/").body)
	for _, want := range []string{"1 held", "held, now. All of it is held", "half of it is gone"} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
}
