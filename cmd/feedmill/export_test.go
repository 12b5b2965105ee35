package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/workspace"
)

// exporting is a published workspace, exported from by an app whose clock goes on
// by six seconds with every look.
func exporting(t *testing.T) func(args ...string) (stdout, stderr string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shop")
	config := filepath.Join(dir, "feedmill.yaml")
	call := func(a *app, stdout, stderr *bytes.Buffer, args ...string) (string, string) {
		t.Helper()
		if code := run(context.Background(), a, args); code != exitDone {
			t.Fatalf("%v: exit %d: %s", args, code, stderr)
		}
		return stdout.String(), stderr.String()
	}
	for _, args := range [][]string{{"init", dir, "--offers", "300"}, {"-c", config, "run", "--quiet"}} {
		a, stdout, stderr := quietApp()
		call(a, stdout, stderr, args...)
	}
	return func(args ...string) (string, string) {
		t.Helper()
		a, stdout, stderr := quietApp()
		var mu sync.Mutex
		now := time.Unix(0, 0)
		a.now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			now = now.Add(6 * time.Second)
			return now
		}
		return call(a, stdout, stderr, append([]string{"-c", config, "export", "google-en"}, args...)...)
	}
}

// Export tells how many of the bytes are written, of either form and to a file as
// to stdout; quiet, it tells nothing.
func TestExportProgress(t *testing.T) {
	export := exporting(t)
	file := filepath.Join(t.TempDir(), "x.xml")
	cases := []struct {
		name string
		args []string
		file bool
	}{
		{"stdout", nil, false},
		{"stdout gzip", []string{"--gzip"}, false},
		{"file", []string{"-o", file}, true},
		{"file gzip", []string{"-o", file, "--gzip"}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, progress := export(c.args...)
			if c.file {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				out = string(data)
			}
			lines := strings.Split(strings.TrimSuffix(progress, "\n"), "\n")
			if len(lines) < 2 {
				t.Fatalf("progress: %q", progress)
			}
			total := size(int64(len(out)))
			for _, line := range lines {
				if !strings.HasPrefix(line, "export google-en: ") || !strings.HasSuffix(line, " of "+total) {
					t.Errorf("%q does not tell of %s", line, total)
				}
			}
		})
	}
	if _, progress := export("--quiet"); progress != "" {
		t.Errorf("quiet, it says %q", progress)
	}
}

// What exports left that were killed goes with the next one into the folder, after a
// day. It is a folder of others, too.
func TestTidy(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	const ours = local.TempPrefix + "ABCDEFGHIJKLMNOPQRSTUVW234"
	for name, age := range map[string]time.Duration{
		ours: 25 * time.Hour, ours + "5": 23 * time.Hour, local.TempPrefix + "note": 25 * time.Hour, "x.xml": 25 * time.Hour, "deep/" + ours: 25 * time.Hour,
	} {
		path := filepath.Join(dir, name)
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644), os.Chtimes(path, now, now.Add(-age)))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := tidy(context.Background(), newDrivers(&workspace.Workspace{}), filepath.Join(dir, "x.xml"), now); err != nil {
		t.Fatal(err)
	}
	var left []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left = append(left, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if diff := cmp.Diff([]string{ours + "5", local.TempPrefix + "note", "deep/" + ours, "x.xml"}, left); diff != "" || err != nil {
		t.Errorf("left (-want +got):\n%s, %v", diff, err)
	}
}

func TestMeteredWriter(t *testing.T) {
	var out, lines bytes.Buffer
	now := time.Unix(0, 0)
	m := newMeter(&lines, false, false, func() time.Time { return now })
	w := &metered{Writer: &out, meter: m, label: "export x", total: 5000}
	for range 5 {
		now = now.Add(8 * time.Second)
		if n, err := w.Write(make([]byte, 1000)); n != 1000 || err != nil {
			t.Fatal(n, err)
		}
	}
	m.Close()
	if diff := cmp.Diff("export x: 2.0 kB of 5.0 kB\nexport x: 4.0 kB of 5.0 kB\n", lines.String()); diff != "" {
		t.Error(diff)
	}
	if out.Len() != 5000 {
		t.Errorf("%d bytes were written", out.Len())
	}
}

func TestNumbered(t *testing.T) {
	cases := []struct{ name, number, want string }{
		{"x.xml", "", "x.xml"},
		{"x.xml", "-1", "x-1.xml"},
		{"a.b/x.y.xml.gz", "-12", "a.b/x.y-12.xml.gz"},
		{"a.b/x", "-1", "a.b/x-1"},
		{"x.gz", "-1", "x-1.gz"},
	}
	for _, c := range cases {
		if got := numbered(c.name, c.number); got != c.want {
			t.Errorf("numbered(%q, %q) = %q, want %q", c.name, c.number, got, c.want)
		}
	}
}
