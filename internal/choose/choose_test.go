package choose

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/feedmill/feedmill/internal/workspace"
)

const settings = `
warehouse: ./warehouse
sources:
  offers: {path: offers.jsonl, format: jsonl, key: row.id, columns: {code: string, price: double, rating: double}}
offer: {from: offers}
`

const feeds = `
for: {take: [1, 3]}
events: "cheap-{{take}}"
destinations: ["{{take}}"]
catalog: c
where: offer.price < 40.0
fields: {price: offer.price}
choose: {per: offer.code, by: [offer.price asc], take: "{{take}}"}
---
events: same
destinations: [a]
catalog: c
where: offer.price < 40.0
fields: {price: offer.price}
choose: {per: offer.code, by: [offer.price asc], take: 1}
---
events: dear
destinations: [b]
catalog: c
where: offer.price >= 40.0
fields: {price: offer.price}
choose: {per: offer.code, by: [offer.price asc], take: 1}
---
events: top
destinations: [d]
catalog: c
where: offer.price < 40.0
fields: {price: offer.price}
choose: {by: [offer.price asc], take: 1}
`

// Feeds with the same key and order share a ranking, and those that take the same
// of it a choice.
func TestShared(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"feedmill.yaml": settings, "feeds/feeds.yaml": feeds} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ws, err := workspace.Load(filepath.Join(dir, "feedmill.yaml"), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	var p Plan
	chosen := map[string]*Choice{}
	for _, f := range ws.Events {
		chosen[f.Name] = p.Add(f.Choose, f.Where)
	}
	if len(p.rankings) != 2 || len(p.choices) != 4 || chosen["same"] != chosen["cheap-1"] || chosen["dear"] == chosen["same"] || p.Empty() {
		t.Errorf("%d rankings, %d choices", len(p.rankings), len(p.choices))
	}
}
