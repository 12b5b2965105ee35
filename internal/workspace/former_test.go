package workspace_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/workspace"
)

const formerFeeds = `
feed: cheap
template: list
where: shared.cheap && offer.shop == "${SHOP}"
fields: {price: offer.price * 2.0, note: '"${SECRET}"'}
params: {key: "${SECRET}", n: plain}
choose: {per: offer.code, by: ['offer.shop == "${SHOP}" desc', offer.price asc], take: 2}
---
shared: {cheap: 'offer.price < 10.0 && offer.code != "${SECRET}"'}
`

func loadFormer(t *testing.T, feeds string, env func(string) (string, bool)) *workspace.Workspace {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"feedmill.yaml":      "sources: {s: {path: a.jsonl, format: jsonl, key: row.id, columns: {price: double, shop: string, code: string}}}\noffer: {from: s}\n",
		"feeds/feeds.yaml":   feeds,
		"templates/list.xml": `{{define "header"}}<l>{{end}}{{define "item"}}<i>{{.offer.id}}{{.fields.price}}{{.params.key}}</i>{{end}}{{define "footer"}}</l>{{end}}`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w, err := workspace.Load(filepath.Join(dir, "feedmill.yaml"), env)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func secrets(name string) (string, bool) {
	value, found := map[string]string{"SECRET": "s3cr3t", "SHOP": "main"}[name]
	return value, found
}

// What is kept of a definition has no value of an environment variable in it, and
// is compiled to the same again.
func TestFormer(t *testing.T) {
	w := loadFormer(t, formerFeeds, secrets)
	words := feed.NewWordings()
	words.Publish("cheap", words.Say(w.Feeds[0].Wording(), w.Shared, w.Templates["list"].Text()))
	data, err := json.Marshal(words)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "s3cr3t") || strings.Contains(string(data), `"main`) || !strings.Contains(string(data), "${SECRET}") {
		t.Errorf("kept: %s", data)
	}
	var again feed.Wordings
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	f := w.Former(&again)
	where, err := f.Where(again.Conditions["cheap"])
	if err != nil || where.Text() != w.Feeds[0].Where.Text() {
		t.Fatalf("condition: %v, %v", where, err)
	}
	rest, template, err := f.Rest("cheap", again.Conditions["cheap"])
	if err != nil || template.DocumentDigest() != w.Templates["list"].DocumentDigest() {
		t.Fatalf("%v", err)
	}
	rest.Condition = w.Feeds[0].Condition
	if diff := cmp.Diff(w.Feeds[0].Wording(), rest.Wording()); diff != "" {
		t.Errorf("wording: %s", diff)
	}
	if diff := cmp.Diff(w.Feeds[0].Params, rest.Params); diff != "" {
		t.Errorf("params: %s", diff)
	}
}

func TestFormerMisfits(t *testing.T) {
	env := secrets
	w := loadFormer(t, formerFeeds, func(name string) (string, bool) { return env(name) })
	words := feed.NewWordings()
	one := words.Say(w.Feeds[0].Wording(), w.Shared, w.Templates["list"].Text())
	for name, c := range map[string]struct {
		change func(*feed.Wording)
		env    func(string) (string, bool)
		want   string
	}{
		"environment": {func(*feed.Wording) {}, func(string) (string, bool) { return "", false }, "shared.cheap of before does not fit: the environment variable SECRET is not set"},
		"shared":      {func(w *feed.Wording) { w.Shared = "?" }, secrets, "the shared expressions of before are not kept"},
		"field":       {func(w *feed.Wording) { w.Fields = map[string]string{"price": "offer.gone"} }, secrets, "field price of before does not fit: "},
		"choose":      {func(w *feed.Wording) { w.Choose = &feed.Choosing{Per: "offer.gone"} }, secrets, "choose per of before does not fit: "},
		"template":    {func(w *feed.Wording) { w.Text = "?" }, secrets, "the template of before is not kept"},
		"no field":    {func(w *feed.Wording) { w.Fields = nil }, secrets, "template list of before does not fit: "},
	} {
		changed := one
		env = c.env
		c.change(&changed)
		if _, _, err := w.Former(&words).Rest("cheap", changed); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
