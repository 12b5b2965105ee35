package aggregate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/storagetest"
)

func TestNeighbours(t *testing.T) {
	for _, c := range []struct {
		runs, most int
		want       string // the sizes of the groups
	}{
		{9, 8, "2 1 1 1 1 1 1 1"},
		{10, 4, "4 4 1 1"},
		{16, 4, "4 4 4 4"},
		{17, 4, "4 4 4 4 1"},
		{100, 64, "37" + strings.Repeat(" 1", 63)},
		{4096, 64, "64" + strings.Repeat(" 64", 63)},
	} {
		runs := make([]sortedRun, c.runs)
		for i := range runs {
			runs[i].Name = fmt.Sprint(i)
		}
		var sizes []string
		var all []sortedRun
		for _, group := range neighbours(runs, c.most) {
			sizes, all = append(sizes, fmt.Sprint(len(group))), append(all, group...)
		}
		if got := strings.Join(sizes, " "); got != c.want {
			t.Errorf("%d runs, %d at once: groups of %s, want %s", c.runs, c.most, got, c.want)
		}
		if diff := cmp.Diff(runs, all); diff != "" {
			t.Errorf("%d runs, %d at once: not the same runs: %s", c.runs, c.most, diff)
		}
	}
}

// passesYAML has a source of each kind of which rows are lost on the way to its
// state.
const passesYAML = `
warehouse: ./warehouse
partitions: 2
sources:
  changes:
    path: data/log/{version}/*.jsonl
    format: jsonl
    keep: log
    key: row.id
    order: row.at
    deleted: row.at % 5 == 0
    columns: {price: int, text: string}
  timely:
    path: data/log/{version}/*.jsonl
    format: jsonl
    keep: log
    key: row.id
    order: row.at
    late: 50s
    rejects: 100%
    columns: {price: int, text: string}
  prices:
    path: data/newest/*.jsonl
    format: jsonl
    key: row.id
    duplicates: 100%
    columns: {price: int, text: string}
offer: {from: changes, join: {a: {source: timely, on: offer.id}, b: {source: prices, on: offer.id}}}
`

// However little memory there is, and however many sorted runs there are
// therefore, a task opens a few at once, and the snapshot is the same.
func TestPasses(t *testing.T) {
	const files = 150
	s := newShop(t, passesYAML)
	r := rand.New(rand.NewPCG(3, 0))
	for i := range files {
		var text strings.Builder
		for row := range 20 {
			fmt.Fprintf(&text, `{"id":"k%d","at":%d,"price":%d,"text":%q}`+"\n", r.IntN(300), i+r.IntN(100), row, strings.Repeat("t", r.IntN(20)))
		}
		s.put(fmt.Sprintf("log/%d/%03d.jsonl", 1+i/50, i), text.String())
		s.put(fmt.Sprintf("newest/%03d.jsonl", i), text.String())
	}
	want := s.must("done")
	few := s.afresh()
	watched := &storagetest.Watched{Store: few.store}
	got := few.must("done", func(o *Options) {
		ws := *o.Workspace
		ws.Memory = 1000 // each file is a sorted run
		o.Workspace, o.Store, o.Workers = &ws, watched, 1
	})
	if diff := cmp.Diff(s.objects(want.Snapshot), few.objects(got.Snapshot)); diff != "" {
		t.Errorf("the snapshot has other bytes: %s", diff)
	}
	if diff := cmp.Diff(want.Sources, got.Sources); diff != "" || want.Sources["timely"].Rejected == 0 || want.Sources["prices"].Duplicates == 0 {
		t.Errorf("the sources are reported as %+v: %s", want.Sources, diff)
	}
	if diff := cmp.Diff(s.rejects(want.Run), few.rejects(got.Run)); diff != "" {
		t.Errorf("other rejects: %s", diff)
	}
	if most := watched.MostOpen(); most > minRuns {
		t.Errorf("%d objects were open at once, want %d at most", most, minRuns)
	}
}

// rejects returns the rows that a run kept under rejects/, sorted: those of a key
// are kept in the order of the sorted runs.
func (s *shop) rejects(run string) []string {
	s.t.Helper()
	var out []string
	for info, err := range s.store.List(context.Background(), "rejects/"+run+"/") {
		if err != nil {
			s.t.Fatal(err)
		}
		data, err := storage.ReadAll(context.Background(), s.store, info.Name)
		if err != nil {
			s.t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			out = append(out, strings.TrimPrefix(info.Name, "rejects/"+run+"/")+": "+line)
		}
	}
	slices.Sort(out)
	return out
}
