package part

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// What is put on a shelf is fetched from it, whichever the limit, and nothing of
// it is in the folder of temporary files.
func TestShelf(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	random := rand.New(rand.NewPCG(1, 2))
	for _, limit := range []int{1, 50, 1000, 1 << 20} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			s := shelf{limit: limit}
			var at []int64
			var want [][]byte
			for i := range 200 {
				data := bytes.Repeat([]byte{byte(i)}, random.IntN(100))
				place, err := s.put(data)
				if err != nil {
					t.Fatal(err)
				}
				at, want = append(at, place), append(want, data)
			}
			if filed := s.file != nil; filed != (limit < 1<<20) {
				t.Errorf("a file is used: %v", filed)
			}
			for _, i := range random.Perm(len(at)) {
				got, err := s.get(at[i], int64(len(want[i])))
				if err != nil || !bytes.Equal(got, want[i]) {
					t.Fatalf("%d: %q, %v", i, got, err)
				}
			}
			left, err := os.ReadDir(folder)
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			if err := errors.Join(s.close(), s.close()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Without a place for temporary files a part that needs one is an error, and no
// part appears.
func TestNoTemporaryFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/missing")
	store := mem.New()
	c := randomCatalogue(rand.New(rand.NewPCG(1, 2)), 3, 200)
	w, err := Create(t.Context(), store, "a.part", Head{Feeds: c.feeds}, small, NewWorkshop(1).Workbench())
	if err != nil {
		t.Fatal(err)
	}
	for i, item := range c.items {
		if err = w.Add(c.members[i], []byte(item)); err != nil {
			break
		}
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
	if _, err := w.Commit(); err == nil {
		t.Error("the part was committed")
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	for info := range store.List(t.Context(), "") {
		t.Errorf("there is %s", info.Name)
	}
}

// Segments of like memberships lie side by side, however little is kept in
// memory; and that changes no byte.
func TestOrdered(t *testing.T) {
	c := randomCatalogue(rand.New(rand.NewPCG(5, 4)), 12, 800)
	var before []byte
	for _, stretch := range []int{1, 700, 1 << 30} {
		store, layout := mem.New(), small
		layout.Stretch = stretch
		p := c.write(t, store, "a.part", layout)
		for i, s := range p.Segments[1:] {
			if s.Membership < p.Segments[i].Membership {
				t.Fatalf("segment %d is of membership %d, behind one of %d", i+1, s.Membership, p.Segments[i].Membership)
			}
		}
		data, err := storage.ReadAll(t.Context(), store, "a.part")
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && !bytes.Equal(before, data) {
			t.Errorf("%d bytes in memory make another part", stretch)
		}
		before = data
	}
}

// Where memberships have to be cut early, frequent ones have the larger segments
// and rare ones are not cut with them.
func TestRelieve(t *testing.T) {
	store := mem.New()
	c := catalogue{feeds: []string{"often", "seldom", "c"}}
	for i := range 4000 {
		c.items = append(c.items, fmt.Sprintf("<item>%090d</item>", i))
		m := Membership{0, 2}
		if i%20 == 0 {
			m = Membership{1, 2}
		}
		c.members = append(c.members, m)
	}
	p := c.write(t, store, "a.part", Layout{Segment: 1 << 20, Rare: 0, Buffer: 20_000, Stretch: 1 << 20})
	count, items := map[int]int64{}, map[int]int64{}
	for _, s := range p.Segments {
		count[p.Memberships[s.Membership][0]]++
		items[p.Memberships[s.Membership][0]] += s.Items
	}
	often, seldom := items[0]/count[0], items[1]/count[1]
	if often < 80 || seldom < 15 || seldom > often {
		t.Errorf("a segment has %d items of the frequent membership, %d of the other", often, seldom)
	}
}
