package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/synth"
)

var now = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)

const days = 3

func written(t *testing.T) (dir string, truth *synth.Market) {
	t.Helper()
	dir = t.TempDir()
	o := synth.Options{Offers: 3000, Seed: 5, Days: days}
	if _, err := synth.Write(context.Background(), local.New(dir), o); err != nil {
		t.Fatal(err)
	}
	truth, err := synth.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return dir, truth
}

// exported writes what google-de should be by the truth of the generator.
func exported(t *testing.T, truth *synth.Market) string {
	t.Helper()
	active := map[any]bool{}
	for _, s := range truth.Sellers(days - 1) {
		rating, rated := s["rating"].(float64)
		active[s["id"]] = s["active"] == true && (!rated || rating >= 2)
	}
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><rss xmlns:g="urn:g"><channel><title>x</title>`)
	for i := range truth.Indexes(days - 1) {
		o, ok := truth.Offer(i, days-1)
		stock, _ := o["stock"].(int64)
		from, _ := o["available_from"].(time.Time)
		images, _ := o["images"].([]any)
		price, _ := o["price"].(string)
		if !ok || o["language"] != "de" || o["active"] != true || stock < 1 || from.After(now) || len(images) == 0 || price == "" || price == "0.00" || !active[o["seller"]] {
			continue
		}
		fmt.Fprintf(&b, "<item><g:id>%s</g:id><g:title>", o["id"])
		if err := xml.EscapeText(&b, []byte(cut(o["title"].(string), 150))); err != nil {
			t.Fatal(err)
		}
		b.WriteString("</g:title>")
		if was, ok := o["list_price"].(string); ok {
			fmt.Fprintf(&b, "<g:price>%s EUR</g:price><g:sale_price>%s EUR</g:sale_price></item>\n", was, price)
		} else {
			fmt.Fprintf(&b, "<g:price>%s EUR</g:price></item>\n", price)
		}
	}
	return b.String() + "</channel></rss>"
}

func verify(t *testing.T, dir, feed, text string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "feed.xml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err := run(context.Background(), []string{"-data", dir, "-now", now.Format(time.RFC3339), feed + "=" + file}, &out)
	return strings.ReplaceAll(out.String(), file, "FILE"), err
}

func TestVerify(t *testing.T) {
	dir, truth := written(t)
	right := exported(t, truth)
	out, err := verify(t, dir, "google-de", right)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("google-de: ids, prices and titles of %d offers", strings.Count(right, "<item>")); !strings.HasPrefix(out, want) {
		t.Errorf("said %q, want %s", out, want)
	}
	first := right[strings.Index(right, "<item>") : strings.Index(right, "</item>")+len("</item>")]
	for name, c := range map[string]struct{ text, want string }{
		"missing":     {strings.Replace(right, first, "", 1), " is missing: "},
		"too much":    {strings.Replace(right, "<item>", "<item><g:id>x</g:id></item><item>", 1), "x should not be there"},
		"twice":       {strings.Replace(right, first, first+first, 1), " stands twice"},
		"other price": {strings.Replace(right, first, strings.Replace(first, " EUR", " USD", 2), 1), "should be"},
		"other title": {strings.Replace(right, "</g:title>", "!</g:title>", 1), "should be"},
		"cut off":     {right[:len(right)/2], "unexpected EOF"},
		"empty":       {"<rss/>", "and "},
	} {
		if out, err := verify(t, dir, "google-de", c.text); err == nil || out != "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: said %q, error %v, want %s", name, out, err, c.want)
		}
	}
}

func TestSameCount(t *testing.T) {
	dir, truth := written(t)
	alive := 0
	for i := range truth.Indexes(days - 1) {
		if _, ok := truth.Offer(i, days-1); ok {
			alive++
		}
	}
	m, err := readMarket(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := sameCount(m, alive); err != nil {
		t.Error(err)
	}
	for _, wrong := range []int{0, alive - 1, alive + 1} {
		if sameCount(m, wrong) == nil {
			t.Errorf("%d offers instead of %d are fine", wrong, alive)
		}
	}
}

// Of offers with one code the condition takes one, and it is among the cheapest.
func TestComparerBest(t *testing.T) {
	dir, _ := written(t)
	m, err := readMarket(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	chosen := map[string]*offer{}
	for _, w := range comparerBest(m, now) {
		o := m.offers[w.id]
		if other := chosen[o.code]; other != nil && o.code != "" {
			t.Errorf("%s and %s of code %s", o.id, other.id, o.code)
		}
		chosen[o.code] = o
	}
	beaten := 0
	for _, o := range m.offers {
		best := chosen[o.code]
		if o.code == "" || !m.sellable(o, now) || o.condition != "new" || o.language != "de" && o.language != "fr" {
			continue
		}
		if best == nil || euros(o) < euros(best) {
			t.Errorf("%s of code %s is better than the best, %v", o.id, o.code, best)
		}
		if o != best {
			beaten++
		}
	}
	if len(chosen) < 100 || beaten < 20 {
		t.Errorf("%d chosen, %d beaten: too few to say anything", len(chosen), beaten)
	}
}

func TestRefuses(t *testing.T) {
	dir, _ := written(t)
	for _, args := range [][]string{
		{}, {"-data", dir}, {"-data", dir, "google-de"}, {"-data", dir, "no-such-feed=x.xml"}, {"-data", t.TempDir(), "google-de=x.xml"},
		{"-data", dir, "google-de=no-such-file.xml"}, {"-data", dir, "-now", "yesterday", "google-de=x.xml"}, {"-data", dir, "-offers", "many"},
	} {
		if err := run(context.Background(), args, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

func TestEuros(t *testing.T) {
	for _, c := range []struct {
		price    int64
		currency string
		want     int64
	}{{1230, "EUR", 1230}, {0, "GBP", 0}, {86, "GBP", 100}, {108, "USD", 100}, {1, "PLN", 0}, {2, "PLN", 0}, {3, "PLN", 1}, {99999, "HKD", 11834}, {117, "CNY", 15}} {
		if got := euros(&offer{price: c.price, currency: c.currency}); got != c.want {
			t.Errorf("%d %s: %d, want %d", c.price, c.currency, got, c.want)
		}
	}
}
