package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
)

var (
	noon   = time.Date(2026, 5, 17, 12, 0, 0, 0, time.UTC)
	before = noon.Add(-time.Hour)
)

// folder makes empty files, changed an hour before noon; NAME@5m is one that
// changed five minutes before.
func folder(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		name, ago, aged := strings.Cut(name, "@")
		changed := before
		if aged {
			d, err := time.ParseDuration(ago)
			if err != nil {
				t.Fatal(err)
			}
			changed = noon.Add(-d)
		}
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(name), 0o644), os.Chtimes(path, changed, changed)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// openLocal splits a path after its folder that has no pattern.
func openLocal(url string) (storage.Store, string, error) {
	at := strings.IndexAny(url, "*{")
	if at < 0 {
		at = len(url)
	}
	root := folderOf(url[:at])
	return local.New(root), strings.TrimPrefix(url, root), nil
}

func definition(dir string, paths ...string) *Definition {
	def := &Definition{Name: "price"}
	for _, p := range paths {
		def.Paths = append(def.Paths, diag.Plain(dir+"/"+p))
	}
	return def
}

// found writes deliveries as VERSION: FILE{NAME=PART} FILE; DIGEST stands for a
// version of 16 hexadecimal digits.
func found(dir string, deliveries []Delivery) []string {
	out := []string{}
	for _, d := range deliveries {
		version := d.Version
		if len(version) == 16 && strings.Trim(version, "0123456789abcdef") == "" {
			version = "DIGEST"
		}
		var files []string
		for _, f := range d.Files {
			name := strings.TrimPrefix(f.URL+f.Name, dir+"/")
			for _, part := range slices.Sorted(maps.Keys(f.Path)) {
				name += "{" + part + "=" + f.Path[part] + "}"
			}
			if f.Version != d.Version {
				name += " of " + f.Version
			}
			files = append(files, name)
		}
		out = append(out, version+": "+strings.Join(files, " "))
	}
	return out
}

func TestDeliveries(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		paths []string
		keep  string
		ready Ready
		want  []string
	}{
		"by number": {
			files: []string{"p_10.json", "p_9.json", "p_9.csv", "q_1.json"}, paths: []string{"p_{version}.json"},
			want: []string{"9: p_9.json", "10: p_10.json"},
		},
		"several files and patterns": {
			files: []string{"a/1_de.csv", "a/1_at.csv", "b/1.csv", "a/2_de.csv"}, paths: []string{"a/{version}_{lang}.csv", "b/{version}.csv", "a/{version}_de.csv"},
			want: []string{"1: a/1_at.csv{lang=at} a/1_de.csv{lang=de} b/1.csv", "2: a/2_de.csv{lang=de}"},
		},
		"over folders": {
			files: []string{"o/2026/05/17/22/1.parquet", "o/2026/05/17/22/0.parquet", "o/2026/05/17/9/0.parquet", "o/x.parquet"}, paths: []string{"o/{version:*/*/*/*}/*.parquet"}, keep: Log,
			want: []string{"2026/05/17/9: o/2026/05/17/9/0.parquet", "2026/05/17/22: o/2026/05/17/22/0.parquet o/2026/05/17/22/1.parquet"},
		},
		"never data": {
			files: []string{"d/_x/1.csv", "d/_1.csv", "d/.x/1.csv", "d/.1.csv", "d/1.csv"}, paths: []string{"d/**/{version}.csv"},
			want: []string{"1: d/1.csv"},
		},
		"a fixed folder may begin with anything": {
			files: []string{"_d/1.csv"}, paths: []string{"_d/{version}.csv"},
			want: []string{"1: _d/1.csv"},
		},
		"a log without version": {
			files: []string{"a/c_9.jsonl", "a/c_10.jsonl", "b/c_1.jsonl"}, paths: []string{"a/*.jsonl", "b/*.jsonl"}, keep: Log,
			want: []string{"a/c_9.jsonl: a/c_9.jsonl", "a/c_10.jsonl: a/c_10.jsonl", "b/c_1.jsonl: b/c_1.jsonl"},
		},
		"one file as a log": {
			files: []string{"a/c.jsonl"}, paths: []string{"a/c.jsonl"}, keep: Log,
			want: []string{"c.jsonl: a/c.jsonl"},
		},
		"newest without version": {
			files: []string{"a/2.csv", "a/1.csv"}, paths: []string{"a/*.csv"},
			want: []string{"DIGEST: a/1.csv a/2.csv"},
		},
		"marker beside the file": {
			files: []string{"1/a.csv", "1/_SUCCESS", "2/a.csv"}, paths: []string{"{version}/*.csv"}, ready: Ready{Marker: "_SUCCESS"},
			want: []string{"1: 1/a.csv"},
		},
		"marker beside feedmill.yaml": {
			files: []string{"d_1.json", "_SUCCESS", "x/_SUCCESS"}, paths: []string{"d_{version}.json"}, ready: Ready{Marker: "_SUCCESS"},
			want: []string{"1: d_1.json"},
		},
		"marker of the delivery": {
			files: []string{"o/1/x/a.csv", "o/1/y/a.csv", "o/1/_SUCCESS", "o/2/x/a.csv", "o/2/x/_SUCCESS", "o/2/y/a.csv", "o/_SUCCESS"}, paths: []string{"o/{version}/**/*.csv"}, ready: Ready{Marker: "_SUCCESS"},
			want: []string{"1: o/1/x/a.csv o/1/y/a.csv"},
		},
		"marker that would match": {
			files: []string{"o/a1", "o/done", "p/a2"}, paths: []string{"*/{version}"}, ready: Ready{Marker: "done"},
			want: []string{"a1: o/a1"},
		},
		"marker where the pattern is fixed further": {
			files: []string{"o/part-1.csv", "o/_OK"}, paths: []string{"o/part-{version}.csv"}, ready: Ready{Marker: "_OK"},
			want: []string{"1: o/part-1.csv"},
		},
		"age": {
			files: []string{"1_a.csv", "1_b.csv@10m", "2_a.csv", "2_b.csv@9m"}, paths: []string{"{version}_*.csv"}, ready: Ready{Age: 10 * time.Minute},
			want: []string{"1: 1_a.csv 1_b.csv"},
		},
		"age of a log's files": {
			files: []string{"1.csv", "2.csv@1m", "3.csv"}, paths: []string{"*.csv"}, keep: Log, ready: Ready{Age: 10 * time.Minute},
			want: []string{"1.csv: 1.csv", "3.csv: 3.csv"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, c.files...)
			def := definition(dir, c.paths...)
			def.Keep, def.Ready = c.keep, c.ready
			got, err := (&Source{Def: def}).Deliveries(context.Background(), openLocal, noon)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, found(dir, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFileOfDelivery(t *testing.T) {
	dir := folder(t, "sub/p_7.json")
	got, err := (&Source{Def: definition(dir, "sub/p_{version}.json")}).Deliveries(context.Background(), openLocal, noon)
	if err != nil {
		t.Fatal(err)
	}
	want := []Delivery{{Version: "7", Files: []File{{URL: dir + "/sub/", Name: "p_7.json", Version: "7", Size: 12, ModTime: before}}}}
	for i := range got {
		for k := range got[i].Files {
			got[i].Files[k].ETag = ""
			got[i].Files[k].ModTime = got[i].Files[k].ModTime.UTC()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDigestVersion changes what the version of a newest source without
// {version} is made of.
func TestDigestVersion(t *testing.T) {
	version := func(base string, files ...match) string {
		f := findings{base: base, files: map[string]match{}}
		for _, m := range files {
			f.files[m.URL+m.Name] = m
		}
		return f.deliveries(false)[0][0].Version
	}
	a := match{File: File{URL: "/w/", Name: "a", Size: 1, ModTime: noon}}
	b := match{File: File{URL: "/w/", Name: "b", Size: 1, ModTime: noon, ETag: "e"}}
	moved, touched, grown, later, tagged := a, a, a, b, b
	moved.URL = "/elsewhere/"
	touched.ModTime = before
	grown.Size++
	later.ModTime = before
	tagged.ETag = "f"
	want := version("/w/", a, b)
	for name, c := range map[string]struct {
		got  string
		same bool
	}{
		"again":             {version("/w/", b, a), true},
		"time with an etag": {version("/w/", a, later), true},
		"moved":             {version("/elsewhere/", moved, match{File: File{URL: "/elsewhere/", Name: "b", Size: 1, ETag: "e"}}), true},
		"time":              {version("/w/", touched, b), false},
		"size":              {version("/w/", grown, b), false},
		"etag":              {version("/w/", a, tagged), false},
		"fewer":             {version("/w/", a), false},
	} {
		if (c.got == want) != c.same {
			t.Errorf("%s: %s, before %s", name, c.got, want)
		}
	}
}

func TestNoDeliveries(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		path  string
		ready Ready
		want  string
	}{
		"empty":     {nil, "d/{version}.csv", Ready{}, "source price: no file matches, there is nothing below DIR/d/ (a source that may have no file says optional: true)"},
		"others":    {[]string{"d/a.json"}, "d/{version}.csv", Ready{}, "source price: no file matches, there is DIR/d/a.json (a source that may have no file says optional: true)"},
		"hidden":    {[]string{"d/_a.csv"}, "d/{version}.csv", Ready{}, "source price: no file: 1 match, but names beginning with _ or . are never data (a source that may have no file says optional: true)"},
		"no marker": {[]string{"d/1.csv"}, "d/{version}.csv", Ready{Marker: "_OK"}, "source price: nothing is ready: DIR/d/ has no _OK"},
		"too young": {[]string{"d/1.csv@1s"}, "d/{version}.csv", Ready{Age: time.Minute}, "source price: nothing is ready: DIR/d/1.csv changed less than 1m0s ago"},
	} {
		dir := folder(t, c.files...)
		def := definition(dir, c.path)
		def.Ready = c.ready
		_, err := (&Source{Def: def}).Deliveries(context.Background(), openLocal, noon)
		if diff := cmp.Diff(c.want, strings.ReplaceAll(fmt.Sprint(err), dir, "DIR")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		def.Optional = true
		if got, err := (&Source{Def: def}).Deliveries(context.Background(), openLocal, noon); err != nil || len(got) > 0 {
			t.Errorf("%s, optional: %v, %v", name, got, err)
		}
	}
}

func TestPathMistakes(t *testing.T) {
	def := definition("/d", "{version}.csv", "x.csv")
	_, err := (&Source{Def: def}).Deliveries(context.Background(), openLocal, noon)
	if err == nil || !strings.Contains(err.Error(), "some paths have {version}, others have not") {
		t.Error(err)
	}
	wild := func(string) (storage.Store, string, error) { return local.New(t.TempDir()), "x.csv", nil }
	def = definition("", "s3://{bucket}/x.csv")
	if _, err := (&Source{Def: def}).Deliveries(context.Background(), wild, noon); err == nil || !strings.Contains(err.Error(), "cannot be a pattern") {
		t.Error(err)
	}
	broken := func(string) (storage.Store, string, error) { return nil, "", errors.New("no such scheme") }
	if _, err := (&Source{Def: def}).Deliveries(context.Background(), broken, noon); err == nil || !strings.Contains(err.Error(), "no such scheme") {
		t.Error(err)
	}
}
