package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, fixed string
		names          map[string]string // what matches, and its parts
		others         []string
	}{
		{"data/a.json", "data/a.json", map[string]string{"data/a.json": ""}, []string{"data/a.jsonl", "data/axjson", "x/data/a.json"}},
		{"data/*.csv", "data/", map[string]string{"data/.csv": "", "data/a.csv": ""}, []string{"data/a/b.csv", "data/a.csv.gz"}},
		{"data/a*b*.csv", "data/a", map[string]string{"data/ab.csv": "", "data/axxbx.csv": ""}, []string{"data/a/b.csv"}},
		{"d/**/x", "d/", map[string]string{"d/x": "", "d/a/x": "", "d/a/b/x": ""}, []string{"d/ax", "e/x", "d//x"}},
		{"d/**", "d/", map[string]string{"d/x": "", "d/a/x": ""}, []string{"d/", "e"}},
		{"d/p_{version}.json.gz", "d/p_", map[string]string{"d/p_2026-03-11T2312.json.gz": "version=2026-03-11T2312"}, []string{"d/p_.json.gz", "d/p_a/b.json.gz"}},
		{"hdfs://nn/o/{version:*/*/*/*}/*.parquet", "hdfs://nn/o/", map[string]string{"hdfs://nn/o/2026/05/17/22/part-0.parquet": "version=2026/05/17/22"}, []string{"hdfs://nn/o/2026/05/17/part-0.parquet"}},
		{"d/{version:v*}/{shop}_{lang:??}.csv", "d/", map[string]string{"d/v1/a_b_??.csv": "version=v1 shop=a_b lang=??"}, []string{"d/1/a_??.csv"}},
		{"d/{shop}_{lang}.csv", "d/", map[string]string{"d/big_shop_de.csv": "shop=big_shop lang=de"}, nil},
		{"d/{version:**}/x", "d/", map[string]string{"d/a/x": "version=a", "d/a/b/x": "version=a/b"}, []string{"d/x"}},
		{"d/{version:*}/x", "d/", map[string]string{"d/a/x": "version=a"}, []string{"d//x"}},
		{"Größe/[a].(b)/*.x", "Größe/[a].(b)/", map[string]string{"Größe/[a].(b)/ü.x": ""}, []string{"Größe/a.b/x.x"}},
	} {
		p, mistakes := parsePattern(diag.Plain(c.pattern))
		if mistakes != nil {
			t.Errorf("%s: %v", c.pattern, mistakes)
			continue
		}
		if p.fixed != c.fixed {
			t.Errorf("%s: every match begins with %q", c.pattern, p.fixed)
		}
		for name, want := range c.names {
			if got := parts(p, name); got != want {
				t.Errorf("%s: %s gives %q, want %q", c.pattern, name, got, want)
			}
		}
		for _, name := range c.others {
			if got := parts(p, name); got != "no match" {
				t.Errorf("%s: %s gives %q", c.pattern, name, got)
			}
		}
	}
}

func parts(p *pattern, name string) string {
	groups := p.find(name)
	if groups == nil {
		return "no match"
	}
	var out []string
	for i, n := range p.names {
		out = append(out, n+"="+name[groups[2*i+2]:groups[2*i+3]])
	}
	return strings.Join(out, " ")
}

func TestPatternMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "expression:1:1: the path is empty or not UTF-8",
		"a\xff":                    "expression:1:1: the path is empty or not UTF-8",
		"a/{version":               "expression:1:3: a { without }",
		"a/version}":               "expression:1:10: an unexpected '}'",
		"a/{}":                     `expression:1:4: "" is not a name`,
		"a/{1x}":                   `expression:1:4: "1x" is not a name`,
		"a/{version:}":             "expression:1:3: no pattern after the colon",
		"a/{version:*{x}}":         "expression:1:13: an unexpected '{'",
		"a/{version}/{version}":    "expression:1:14: version stands twice",
		"a/b**":                    "expression:1:4: stars that are neither * nor **",
		"a/***/b":                  "expression:1:3: stars that are neither * nor **",
		"ä/{version:**x}/{\u00fc}": "expression:1:12: stars that are neither * nor **",
	} {
		p, mistakes := parsePattern(diag.Plain(text))
		if p != nil || len(mistakes) == 0 {
			t.Errorf("%q is not refused", text)
			continue
		}
		got, _, _ := strings.Cut(mistakes[0].Error(), "\n")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("d/{version:*/*}/**/x_{a}*.json", "d/1/2/y/x_b.json")
	f.Add("{a:**}", "x")
	f.Add("{{}}**}", "")
	f.Fuzz(func(t *testing.T, text, name string) {
		p, mistakes := parsePattern(diag.Plain(text))
		if (p == nil) != (len(mistakes) > 0) {
			t.Fatalf("%q: %v and %v", text, p, mistakes)
		}
		if p == nil {
			return
		}
		if groups := p.find(name); groups != nil && !strings.HasPrefix(name, p.fixed) {
			t.Errorf("%q matches %q, which does not begin with %q", text, name, p.fixed)
		}
		if !strings.ContainsAny(text, "*{") && p.find(text) == nil {
			t.Errorf("%q does not match itself", text)
		}
	})
}
