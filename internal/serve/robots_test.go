package serve

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// robot runs a program as a partner's robot would, in a folder of its own.
func robot(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func holds(t *testing.T, dir, name, want string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil || !bytes.Equal(got, []byte(want)) {
		t.Errorf("%s has %d bytes, want %d, %v", name, len(got), len(want), err)
	}
}

// newShop publishes a feed that is long enough to be fetched in pieces.
func newShop(t *testing.T) (doc string, m *market, c *client) {
	m = newMarket(t)
	doc = m.feed("shop", false, items(60_000, 3))[0]
	m.publish()
	return doc, m, m.serve()
}

func TestCurl(t *testing.T) {
	doc, m, c := newShop(t)
	dir := t.TempDir()
	url := c.url + "/feeds/shop.xml"
	if err := os.WriteFile(filepath.Join(dir, "resumed.xml"), []byte(doc[:12345]), 0o600); err != nil {
		t.Fatal(err)
	}
	robot(t, dir, "curl", "-sf", "-C", "-", "-o", "resumed.xml", url)
	holds(t, dir, "resumed.xml", doc)
	robot(t, dir, "curl", "-s", "-C", "-", "-o", "resumed.xml", url) // it is complete: 416
	holds(t, dir, "resumed.xml", doc)
	robot(t, dir, "curl", "-sf", "--compressed", "-o", "packed.xml", url)
	holds(t, dir, "packed.xml", doc)

	fetch := func() string {
		return robot(t, dir, "curl", "-sf", "--etag-save", "tag", "--etag-compare", "tag", "-w", "%{http_code}", "-o", "tagged.xml", url)
	}
	if code := fetch(); code != "200" {
		t.Errorf("the first time: %s", code)
	}
	if code := fetch(); code != "304" {
		t.Errorf("the second time: %s", code)
	}
	holds(t, dir, "tagged.xml", doc)
	doc = m.feed("shop", false, items(60_000, 4))[0]
	m.publish()
	if code := fetch(); code != "200" {
		t.Errorf("after a change: %s", code)
	}
	holds(t, dir, "tagged.xml", doc)
}

func TestWget(t *testing.T) {
	doc, m, c := newShop(t)
	dir := t.TempDir()
	url := c.url + "/feeds/shop.xml"
	robot(t, dir, "wget", "-N", url)
	holds(t, dir, "shop.xml", doc)
	if out := robot(t, dir, "wget", "-N", url); !strings.Contains(out, "304 Not Modified") {
		t.Errorf("the second time:\n%s", out)
	}
	doc = m.feed("shop", false, items(60_000, 4))[0]
	m.publish()
	robot(t, dir, "wget", "-N", url)
	holds(t, dir, "shop.xml", doc)
}

func TestAria2(t *testing.T) {
	doc, _, c := newShop(t)
	dir := t.TempDir()
	robot(t, dir, "aria2c", "--no-conf", "-q", "-x8", "-s8", "-k1M", "--min-split-size=1M", c.url+"/feeds/shop.xml")
	holds(t, dir, "shop.xml", doc)
	if n := strings.Count(c.log.String(), "status=206"); n < 2 {
		t.Errorf("it fetched %d ranges", n)
	}
}
