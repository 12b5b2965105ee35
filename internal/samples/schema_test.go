package samples

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/feed"
)

// lint returns what xmllint has against a feed by the schema of Skroutz; skipped
// says why it cannot be asked.
func lint(t *testing.T, name string, text []byte) (complaint, skipped string) {
	t.Helper()
	if _, err := exec.LookPath("xmllint"); err != nil {
		return "", "there is no xmllint: apt-get install libxml2-utils"
	}
	root := os.Getenv("FEEDMILL_REAL_DATA")
	if root == "" {
		return "", "FEEDMILL_REAL_DATA does not name the folder with the schema"
	}
	dir := t.TempDir()
	schema, file := filepath.Join(dir, "skroutz.xsd"), filepath.Join(dir, name+".xml")
	page := read(t, filepath.Join(root, "feed_samples", "skroutz_CC-BY-4.0", "xml_feed.en.html.md.erb"))
	for path, text := range map[string]string{schema: secondSchema(t, page), file: string(text)} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("xmllint", "--noout", "--nonet", "--schema", schema, file).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "", ""
	case errors.As(err, &exit) && (exit.ExitCode() == 1 || exit.ExitCode() == 3): // not well-formed, not valid
		return string(out), ""
	default:
		t.Fatalf("xmllint: %v\n%s", err, out)
		return "", ""
	}
}

// secondSchema is the schema "with size variations" of the partner's page: the
// first on it does not compile.
func secondSchema(t *testing.T, page string) string {
	t.Helper()
	schemas := strings.Split(page, "<xs:schema ")
	if len(schemas) != 3 {
		t.Fatalf("the page holds %d schemas", len(schemas)-1)
	}
	text, _, found := strings.Cut(schemas[2], "</xs:schema>")
	if !found {
		t.Fatal("the second schema does not end")
	}
	return "<xs:schema " + text + "</xs:schema>"
}

// valid fails the test unless the schema allows a feed.
func valid(t *testing.T, name string, text []byte) {
	t.Helper()
	complaint, skipped := lint(t, name, text)
	switch {
	case skipped != "":
		t.Skip(skipped)
	case complaint != "":
		t.Errorf("%s is not valid:\n%.2000s", name, complaint)
	}
}

// Hostile offers, too, make a feed that the partner's schema allows.
func TestSkroutzSchema(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	ws := sample(t)
	offers := batchOf(t, ws.Schema, sprayer{rand.New(rand.NewPCG(seed, 0))}.offers(ws.Schema, 500))
	defer offers.Release()
	seen := 0
	for _, f := range ws.Feeds {
		if f.Template == "skroutz" {
			d, _ := rendered(t, ws, f, offers)
			if d.items == 0 {
				t.Errorf("feed %s has no items", f.Name)
			}
			valid(t, f.Name, d.text)
			seen++
		}
	}
	if seen == 0 {
		t.Error("no feed uses the template")
	}
}

// The schema refuses what a broken template would make.
func TestSchemaRefuses(t *testing.T) {
	ws := sample(t)
	full := map[string]any{
		"id": "a", "title": "Pan", "eur": "1.20", "link": "https://x.example/1", "image": "https://x.example/1.jpg", "category": "Home",
		"brand": "B", "mpn": "M", "stock": int64(1), "code": "4006381333931",
	}
	offers := batchOf(t, ws.Schema, []map[string]any{full})
	defer offers.Release()
	var f *feed.Feed
	for _, each := range ws.Feeds {
		if each.Name == "skroutz" {
			f = each
		}
	}
	d, _ := rendered(t, ws, f, offers)
	valid(t, "whole", d.text)
	for from, to := range map[string]string{
		"<uid>a</uid>": "", "<price>1.20": "<price>1.20 EUR", "<ean>4006381333931</ean>": "<ean></ean>", "<instock>Y": "<instock>yes", "<variations/>": "<colour/>",
		"<created_at>2026-01-03T12:00:00Z": "<created_at>2026-01-03 12:00", "<name>Pan": "<name>" + strings.Repeat("x", 301),
	} {
		broken := strings.Replace(string(d.text), from, to, 1)
		if broken == string(d.text) {
			t.Errorf("the feed has no %s:\n%s", from, d.text)
		}
		if complaint, _ := lint(t, "broken", []byte(broken)); complaint == "" {
			t.Errorf("the schema allows %q for %q", to, from)
		}
	}
}
