package part

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
)

var update = flag.Bool("update", false, "write the samples of the present format anew")

const sampleRun = "20260102T030405.000Z-abcdef"

// Every released format is read: testdata/formats/v<N> holds two parts, the
// index of a feed and the feed itself.
func TestFormats(t *testing.T) {
	if *update {
		writeSample(t, filepath.Join("testdata/formats", fmt.Sprintf("v%d", Version)))
	}
	for version := 1; version <= Version; version++ {
		t.Run(fmt.Sprintf("v%d", version), func(t *testing.T) {
			store := local.New(filepath.Join("testdata/formats", fmt.Sprintf("v%d", version)))
			f, err := OpenFeed(context.Background(), store, IndexName(sampleRun, "feed"))
			if err != nil {
				t.Fatal(err)
			}
			want := string(read(t, store, "feed.xml"))
			if got := plain(t, store, f.Files[0]); got != want {
				t.Errorf("the feed of version %d is %q", version, got)
			}
			if got := gunzip(t, gzipped(t, store, f.Files[0])); got != want {
				t.Errorf("the gzip feed of version %d is %q", version, got)
			}
			for _, o := range f.Objects {
				checkPart(t, store, o.Name)
			}
		})
	}
}

func checkPart(t *testing.T, store storage.Store, name string) {
	t.Helper()
	p, err := Open(context.Background(), store, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(context.Background(), store); err != nil {
		t.Error(err)
	}
}

func writeSample(t *testing.T, folder string) {
	t.Helper()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	store := local.New(folder)
	c := randomCatalogue(rand.New(rand.NewPCG(1, 1)), 4, 40)
	c.feeds[1] = "feed"
	a := c.write(t, store, Name(sampleRun, "google-1a2b", 2), small)
	b := c.write(t, store, Name(sampleRun, "google-1a2b", 3), small)
	f := reopen(t, store, index(1, a, b))
	write(t, store, "feed.xml", []byte(plain(t, store, f.Files[0])))
}
