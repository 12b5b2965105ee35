package samples

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/aggregate"
	"github.com/feedmill/feedmill/internal/generate"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/source"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/local"
	"github.com/feedmill/feedmill/internal/synth"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A market is what the sample workspace makes of a generated one.
type market struct {
	ws       *workspace.Workspace
	store    storage.Store
	snapshot string
	files    []document // that partners get
}

// newMarket runs the sample workspace over two days of a generated market.
func newMarket(t *testing.T, offers int) market {
	t.Helper()
	ctx, data, warehouse := t.Context(), t.TempDir(), local.New(t.TempDir())
	if _, err := synth.Write(ctx, local.New(data), synth.Options{Offers: offers, Seed: 7, Days: 2}); err != nil {
		t.Fatal(err)
	}
	ws, err := loadFile("../../deploy/local/feedmill.yaml", map[string]string{"FEEDMILL_DATA": data})
	if err != nil {
		t.Fatal(err)
	}
	first, err := aggregate.Run(ctx, aggregate.Options{Workspace: ws, Store: warehouse, Open: opener(ws), Workers: 2})
	if err != nil || first.Status != manifest.Done {
		t.Fatalf("aggregate: %+v: %v", first, err)
	}
	second, err := generate.Run(ctx, generate.Options{Workspace: ws, Store: warehouse, Workers: 2, At: now})
	if err != nil {
		t.Fatalf("generate: %+v: %v", second, err)
	}
	return market{ws, warehouse, first.Snapshot, published(ctx, t, ws, warehouse)}
}

// opener opens files at local paths.
func opener(ws *workspace.Workspace) source.Opener {
	return func(pattern string) (storage.Store, string, error) {
		path := ws.Resolve(pattern)
		constant := path[:strings.IndexAny(path+"{", "{*")]
		dir := constant[:strings.LastIndexByte(constant, '/')+1]
		return local.New(dir), strings.TrimPrefix(path, dir), nil
	}
}

func published(ctx context.Context, t *testing.T, ws *workspace.Workspace, store storage.Store) (files []document) {
	t.Helper()
	catalog, err := part.Published(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range ws.Feeds {
		if !f.Enabled {
			continue
		}
		feed, err := catalog.Open(ctx, store, f.Name)
		if err != nil {
			t.Errorf("feed %s: %v", f.Name, err) // held: it would be empty
			continue
		}
		for _, file := range feed.Files {
			var text bytes.Buffer
			if err := file.WritePlain(ctx, store, &text); err != nil {
				t.Fatal(err)
			}
			files = append(files, document{file.Name, text.Bytes(), int(file.Items)})
		}
	}
	return files
}

// The feeds of a generated market are XML with the items that their indexes
// promise, none of them without any, and what feed tests of them would say.
func TestMarket(t *testing.T) {
	m := newMarket(t, shorter(2000, 500))
	parsed(t, m.files)
	trialsAgree(t, m.ws, m.store, m.snapshot, m.files)
	for _, f := range m.files {
		if f.items == 0 && !strings.HasPrefix(f.name, "refurbished-") && !strings.HasPrefix(f.name, "used-") {
			t.Errorf("%s is empty", f.name)
		}
		if f.name != "skroutz" {
			continue
		}
		if complaint, _ := lint(t, f.name, f.text); complaint != "" { // TestSkroutzSchema skips without the schema
			t.Errorf("%s is not valid:\n%.2000s", f.name, complaint)
		}
	}
}
