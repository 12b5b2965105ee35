package generate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/manifest"
)

func numberedFeed(limits string) string {
	return `
feed: many
template: shop
where: "true"
fields: {title: '"x"', price: offer.price}
limits: ` + limits + `
guard: {drop: 100%}
`
}

// A feed with limits is numbered, each file a range of partitions; more files
// than before only when a limit is passed, never fewer.
func TestLimits(t *testing.T) {
	m := newMarket(t, numberedFeed("{items: 60}"))
	rows := randomRows(rand.New(rand.NewPCG(1, 2)), 100)
	sizes := func(n int) (most int) {
		for i := range n {
			most = max(most, len(slice(rows, i, n)))
		}
		return most
	}
	if sizes(1) <= 60 || sizes(2) > 60 {
		t.Fatalf("the rows do not fit the test: %d and %d", sizes(1), sizes(2))
	}
	m.aggregate(rows[:50])
	report := m.generate(manifest.Done)
	if report.Feeds["many"].Files != 1 {
		t.Errorf("%d files", report.Feeds["many"].Files)
	}
	m.aggregate(rows)
	m.generate(manifest.Done)
	checkFiles(t, m, 2)
	m.aggregate(rows[:50])
	m.generate(manifest.Done)
	checkFiles(t, m, 2)
}

func checkFiles(t *testing.T, m *market, n int) {
	t.Helper()
	docs := m.export("many")
	if len(docs) != n {
		t.Fatalf("%d files, want %d", len(docs), n)
	}
	for i, doc := range docs {
		var want []string
		for _, r := range slice(m.rows, i, n) {
			want = append(want, text(r, "id"))
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, ids(doc)); diff != "" {
			t.Errorf("file %d: %s", i, diff)
		}
		if head := fmt.Sprintf(`items="%d"`, len(want)); !strings.Contains(doc, head) {
			t.Errorf("file %d does not say %s: %.100s", i, head, doc)
		}
	}
}

func TestLimitOfBytes(t *testing.T) {
	m := newMarket(t, numberedFeed("{bytes: 3000B}"))
	m.aggregate(randomRows(rand.New(rand.NewPCG(1, 2)), 80))
	m.generate(manifest.Done)
	docs := m.export("many")
	for i, doc := range docs {
		if len(doc) > 3000 {
			t.Errorf("file %d has %d bytes", i, len(doc))
		}
	}
	if len(docs) < 2 {
		t.Errorf("%d files", len(docs))
	}
}

// A partition above a limit cannot be divided: the run fails, and nothing is
// published.
func TestLimitOfAPartition(t *testing.T) {
	for limits, want := range map[string]string{
		"{items: 3}":     "items, more than the 3 that `limits` allows",
		"{bytes: 1000B}": "bytes, more than the 1000 that `limits` allows",
	} {
		m := newMarket(t, numberedFeed(limits)+"---\n"+strings.Replace(threeFeeds, "\n", "", 1))
		m.aggregate(randomRows(rand.New(rand.NewPCG(1, 2)), 80))
		report, err := Run(context.Background(), m.options())
		if err == nil || report.Status != manifest.Failed {
			t.Fatalf("%s: %v, %+v", limits, err, report)
		}
		for _, part := range []string{"feed many: partition ", want, "raise `partitions`"} {
			if !strings.Contains(report.Error, part) {
				t.Errorf("%s: %q does not say %q", limits, report.Error, part)
			}
		}
		if _, err := export(m.store, "many"); err == nil {
			t.Error("it is published")
		}
	}
}
