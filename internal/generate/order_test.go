package generate

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/manifest"
)

// A shuffler runs the tasks of a phase in any order, and each of them twice.
type shuffler struct {
	random *rand.Rand
	inner  engine.Runner
}

func (s *shuffler) Run(ctx context.Context, tasks []engine.Task) error {
	for range 2 {
		shuffled := slices.Clone(tasks)
		s.random.Shuffle(len(shuffled), func(i, k int) { shuffled[i], shuffled[k] = shuffled[k], shuffled[i] })
		if err := s.inner.Run(ctx, shuffled); err != nil {
			return err
		}
	}
	return nil
}

// Any number of workers, any order of tasks, and a task that runs twice, make
// the same parts, indexes and manifest.
func TestSameBytes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	want := objectsOf(t, 1, nil)
	for _, workers := range []int{1, 2, 7} {
		if diff := cmp.Diff(want, objectsOf(t, workers, nil)); diff != "" {
			t.Errorf("%d workers made other bytes: %s", workers, diff)
		}
		if diff := cmp.Diff(want, objectsOf(t, workers, random)); diff != "" {
			t.Errorf("%d workers with tasks in another order made other bytes: %s", workers, diff)
		}
	}
}

// objectsOf returns what a run leaves below feeds/ when tasks are shuffled by
// random, if that is not nil.
func objectsOf(t *testing.T, workers int, random *rand.Rand) map[string]string {
	t.Helper()
	m := newMarket(t, threeFeeds+choosing)
	m.aggregate(randomRows(rand.New(rand.NewPCG(3, 4)), 300))
	m.generate(manifest.Done, func(o *Options) {
		o.Workers = workers
		if random == nil {
			return
		}
		o.Engine = func(do func(context.Context, engine.Task) error) engine.Runner {
			return &shuffler{random, &engine.Local{Workers: workers, Do: do}}
		}
	})
	out := map[string]string{}
	for info, err := range m.store.List(context.Background(), "feeds/") {
		m.must(err)
		out[info.Name] = m.read(info.Name)
	}
	if n := len(slices.DeleteFunc(slices.Collect(maps.Keys(out)), func(name string) bool { return !strings.HasSuffix(name, ".part") })); n < 8 {
		t.Fatalf("only %d parts", n)
	}
	return out
}
