package generate

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
)

// otherReader reads a feed of a warehouse with the reader in another language
// that was written from the package comment of internal/part.
func otherReader(t *testing.T, warehouse, index, form string) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	var failed bytes.Buffer
	cmd := exec.Command(python, "../part/testdata/read.py", warehouse, index, form)
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &failed)
	}
	return string(out)
}

// Another reader makes every feed of a run, of its index and parts, in the bytes
// that export writes.
func TestOtherReaderReadsARun(t *testing.T) {
	m := newMarket(t, threeFeeds+choosing+recent)
	m.aggregate(randomRows(rand.New(rand.NewPCG(1, 1)), 5000))
	m.generate(manifest.Done)
	folder := t.TempDir()
	copyStore(t, local.New(folder), m.store)
	catalog, err := part.Published(context.Background(), m.store)
	m.must(err)
	if len(catalog.Feeds) < 5 {
		t.Fatalf("only %d feeds are published", len(catalog.Feeds))
	}
	for name, entry := range catalog.Feeds {
		if got := otherReader(t, folder, entry.Index, "plain"); got != strings.Join(m.export(name), "") {
			t.Errorf("feed %s: it reads other bytes, %d of them", name, len(got))
		}
		want, err := exportGzip(m.store, name)
		m.must(err)
		if entry.Files == 1 && otherReader(t, folder, entry.Index, "gzip") != string(want) {
			t.Errorf("feed %s: it makes another gzip member", name)
		}
	}
}

func copyStore(t *testing.T, to, from storage.Store) {
	t.Helper()
	ctx := context.Background()
	for _, name := range names(t, from, "") {
		data, err := storage.ReadAll(ctx, from, name)
		if err == nil {
			err = storage.WriteAll(ctx, to, name, storage.Replace, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
