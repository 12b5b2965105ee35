package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 1_500_000_000: "1.5 GB", 2e18: "2000.0 PB",
	} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	table := table{head: []string{"source", "rows", "verdict"}}
	table.add("größe", "1,000", "pass")
	table.add("b", "2", "")
	var got strings.Builder
	if err := table.write(&got); err != nil {
		t.Fatal(err)
	}
	want := "  source   rows  verdict\n  größe   1,000  pass\n  b           2\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct{ text, want string }{{"abc", "abc"}, {"a\n\tb", "a b"}, {"äöüß", "äöüß"}, {"äöüßx", "äöü…"}} {
		if got := shorten(c.text, 4); got != c.want {
			t.Errorf("shorten(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

// Values are shown as they are: & and < are nothing special in an answer.
func TestAppendJSON(t *testing.T) {
	if got := string(appendJSON(nil, "Tea & <Cake>\n")); got != `"Tea & <Cake>\n"` {
		t.Errorf("got %s", got)
	}
}
