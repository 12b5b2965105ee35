package part

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// damage flips a bit, cuts, or puts zeros; it returns nil where that changes
// nothing.
func damage(random *rand.Rand, data []byte) (damaged []byte, how string) {
	out := bytes.Clone(data)
	at := random.IntN(len(out))
	if random.IntN(3) == 0 {
		at = len(out) - 1 - random.IntN(min(len(out), 40)) // the trailer
	}
	switch random.IntN(4) {
	case 0:
		return out[:at], "cut"
	case 1:
		clear(out[at:min(len(out), at+1+random.IntN(64))])
		how = "zero"
	case 2:
		return append(out[:at], append([]byte{byte(random.Uint32())}, out[at:]...)...), "insert"
	default:
		out[at] ^= 1 << random.IntN(8)
		how = "flip"
	}
	if bytes.Equal(out, data) {
		return nil, ""
	}
	return out, how
}

// A damaged part or index is an error that names it, and nothing damaged was
// written before.
func TestDamage(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	store := mem.New()
	c := randomCatalogue(random, 6, 120)
	f := index(2, c.write(t, store, "a.part", small), c.write(t, store, "b.part", DefaultLayout))
	doc := plain(t, store, reopen(t, store, f).Files[0])
	packed := gzipped(t, store, reopen(t, store, f).Files[0])
	for i := range 600 {
		name := []string{"a.part", "b.part", IndexName(f.Run, f.Name)}[i%3]
		data := read(t, store, name)
		broken, how := damage(random, data)
		if broken == nil {
			continue
		}
		write(t, store, name, broken)
		err := readAllOf(store, f, doc, packed, t)
		if err == nil {
			t.Errorf("%s in %s is no error", how, name)
		} else if !strings.Contains(err.Error(), name) {
			t.Errorf("%s in %s: the error does not name it: %v", how, name, err)
		}
		write(t, store, name, data)
	}
}

// readAllOf reads parts, index and feed, and fails the test when it is given
// bytes that are not the beginning of the feed's.
func readAllOf(store storage.Store, f *Feed, doc string, packed []byte, t *testing.T) error {
	t.Helper()
	ctx := context.Background()
	got, err := OpenFeed(ctx, store, IndexName(f.Run, f.Name))
	if err != nil {
		return err
	}
	var text, member bytes.Buffer
	err = got.Files[0].WritePlain(ctx, store, &text)
	if !strings.HasPrefix(doc, text.String()) {
		t.Errorf("wrong bytes were written")
	}
	if again := got.Files[0].WriteGzip(ctx, store, &member); err == nil {
		err = again
	}
	if !bytes.HasPrefix(packed, member.Bytes()) {
		t.Errorf("wrong gzip bytes were written")
	}
	for _, o := range f.Objects {
		part, broken := Open(ctx, store, o.Name)
		if broken == nil {
			broken = part.Check(ctx, store)
		}
		if err == nil {
			err = broken
		}
	}
	return err
}

func read(t testing.TB, store storage.Store, name string) []byte {
	t.Helper()
	data, err := storage.ReadAll(context.Background(), store, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, store storage.Store, name string, data []byte) {
	t.Helper()
	if err := storage.WriteAll(context.Background(), store, name, storage.Replace, data); err != nil {
		t.Fatal(err)
	}
}

// Any table, also one whose CRC is right, is read or is an error.
func FuzzTables(f *testing.F) {
	store := mem.New()
	c := randomCatalogue(rand.New(rand.NewPCG(1, 1)), 3, 20)
	p := c.write(f, store, "a.part", small)
	for name, magic := range map[string]string{"a.part": partMagic, IndexName("r", "f"): feedMagic} {
		if magic == feedMagic {
			feed := index(0, p)
			feed.Run, feed.Name = "r", "f"
			reopen(f, store, feed)
		}
		table, _, err := readTable(context.Background(), store, name, magic)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(table, int64(p.Size))
	}
	f.Fuzz(func(t *testing.T, table []byte, size int64) {
		p := &Part{Size: size}
		_ = p.decode(table)
		feed := &Feed{}
		if feed.decode(table) == nil {
			for _, file := range feed.Files {
				_ = file.WritePlain(context.Background(), store, &bytes.Buffer{})
			}
		}
	})
}

// Any bytes are a part and an index, or an error.
func FuzzObjects(f *testing.F) {
	store := mem.New()
	c := randomCatalogue(rand.New(rand.NewPCG(1, 1)), 3, 20)
	c.write(f, store, "a.part", small)
	f.Add(read(f, store, "a.part"))
	f.Fuzz(func(t *testing.T, data []byte) {
		write(t, store, "x", data)
		_, _ = Open(context.Background(), store, "x")
		_, _ = OpenFeed(context.Background(), store, "x")
	})
}
