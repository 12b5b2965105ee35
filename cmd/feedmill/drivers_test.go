package main

import "testing"

func TestSplitPattern(t *testing.T) {
	cases := []struct{ url, folder, name string }{
		{"data/pricewatch_{version}.json.gz", "data", "pricewatch_{version}.json.gz"},
		{"data/a/**/*.csv", "data/a", "**/*.csv"},
		{"/data/{version:*/*}/x.json", "/data", "{version:*/*}/x.json"},
		{"/x.json", "/", "x.json"},
		{"x.json", ".", "x.json"},
		{"{version}/x.json", ".", "{version}/x.json"},
		{"file:///data/x.json", "file:///data", "x.json"},
		{"file:///x.json", "file:///", "x.json"},
		{"s3://bucket/a/{version}.csv", "s3://bucket/a", "{version}.csv"},
	}
	for _, c := range cases {
		folder, name := splitPattern(c.url)
		if folder != c.folder || name != c.name {
			t.Errorf("%s: %q and %q, want %q and %q", c.url, folder, name, c.folder, c.name)
		}
	}
}

func TestDriversOpen(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-central-1")
	cases := []struct{ url, want string }{
		{"some/dir", ""},
		{"/some/dir", ""},
		{"file:///some/dir", ""},
		{"file://some/dir", "open file://some/dir: a file URL has an absolute path: file:///some/dir"},
		{"s3://bucket/x", ""},
		{"s3://bucket", ""},
		{"s3:///x", "open s3:///x: s3://bucket/prefix is meant"},
		{"s3://bucket/a//x", `open s3://bucket/a//x: object name "a//x": invalid argument`},
		{"ftp://host/x", `open ftp://host/x: unknown scheme "ftp": a path, file:///, s3:// or hdfs:// is meant`},
	}
	for _, c := range cases {
		got := ""
		store, err := plainDrivers().open(c.url)
		if err != nil {
			got = err.Error()
		}
		if got != c.want || (err == nil) != (store != nil) {
			t.Errorf("%s: store %v, error %q, want %q", c.url, store, got, c.want)
		}
	}
}
