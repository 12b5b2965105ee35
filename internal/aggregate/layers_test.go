package aggregate

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/feedmill/feedmill/internal/storage"
)

// A counted store counts how often each object was opened.
type counted struct {
	storage.Store
	mu    sync.Mutex
	opens map[string]int
}

func (s *counted) Open(ctx context.Context, name string) (storage.Object, error) {
	s.mu.Lock()
	s.opens[name]++
	s.mu.Unlock()
	return s.Store.Open(ctx, name)
}

// The manifest of a state, which names all deliveries, is read when the run is
// planned and when the first task needs the state, however many partitions and
// layers there are.
func TestTasksShareTheManifestsOfStates(t *testing.T) {
	s := newShop(t, strings.Replace(faultYAML, "partitions: 2", "partitions: 16", 1))
	s.put("sellers_1.csv", "code,name\ns,Smith\n")
	for day := 1; day <= 4; day++ {
		var text strings.Builder
		for i := range 400 / (day * day * day) {
			fmt.Fprintf(&text, `{"id":"k%d","at":%d,"seller":"s","price":%d}`+"\n", i, day, i)
		}
		s.put(fmt.Sprintf("log/%d/a.jsonl", day), text.String())
		if day < 4 {
			s.must("done")
		}
	}
	store := &counted{Store: s.store, opens: map[string]int{}}
	s.must("done", func(o *Options) { o.Store = store })
	manifests := 0
	for name, n := range store.opens {
		if strings.HasPrefix(name, "tmp/") && strings.HasSuffix(name, "/compact/changes.json") && n != 1 {
			t.Errorf("%s was read %d times, want once", name, n)
		}
		if strings.HasPrefix(name, "sources/") && strings.HasSuffix(name, "/manifest.json") {
			if manifests++; n > 2 {
				t.Errorf("%s was read %d times, want 2 at most", name, n)
			}
		}
	}
	if manifests != 5 {
		t.Errorf("%d manifests of states were read, want those of four layers and of the sellers", manifests)
	}
}
