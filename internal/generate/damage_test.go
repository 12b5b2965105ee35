package generate

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/storage"
)

// spoil flips a bit, cuts, or puts zeros.
func spoil(random *rand.Rand, data []byte) ([]byte, string) {
	out := bytes.Clone(data)
	at := random.IntN(len(out))
	switch random.IntN(3) {
	case 0:
		return out[:at], "cut"
	case 1:
		clear(out[at:min(len(out), at+1+random.IntN(64))])
		return out, "zeros"
	default:
		out[at] ^= 1 << random.IntN(8)
		return out, "flip"
	}
}

// Whatever happens to an object, a partner gets the bytes that were published, or
// nothing and an error that names the object.
func TestDamage(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	m := newMarket(t, threeFeeds)
	rows := randomRows(random, 150)
	m.aggregate(rows[:140])
	m.generate(manifest.Done)
	m.aggregate(rows)
	m.generate(manifest.Done)
	feeds := []string{"everything", "german", "wellcome"}
	want := published(t, m.store, feeds)
	var names []string
	for info, err := range m.store.List(context.Background(), "feeds/") {
		m.must(err)
		names = append(names, info.Name)
	}
	errors := 0
	for i := range 12 * len(names) {
		name := names[i%len(names)]
		data := m.read(name)
		broken, how := spoil(random, []byte(data))
		m.write(name, broken)
		for _, feed := range feeds {
			if err := checkPartner(t, m.store, feed, want[feed][0]); err != nil {
				errors++
				if !strings.Contains(err.Error(), name) {
					t.Fatalf("%s in %s: the error does not name it: %v", how, name, err)
				}
			}
		}
		m.write(name, []byte(data))
	}
	if errors < len(names) {
		t.Errorf("only %d errors of damages to %d objects", errors, len(names))
	}
}

func (m *market) write(name string, data []byte) {
	m.t.Helper()
	m.must(storage.WriteAll(context.Background(), m.store, name, storage.Replace, data))
}

// checkPartner fails the test unless both forms of a feed are those wanted, or
// errors.
func checkPartner(t *testing.T, store storage.Store, feed, want string) error {
	t.Helper()
	docs, err := export(store, feed)
	if err == nil && docs[0] != want {
		t.Fatalf("feed %s has other bytes", feed)
	}
	packed, again := exportGzip(store, feed)
	if again == nil {
		if doc, err := unpack(packed); err != nil || doc != want {
			t.Fatalf("feed %s as gzip: %v, or other bytes", feed, err)
		}
	}
	if (err == nil) != (again == nil) {
		t.Fatalf("feed %s: plain %v, gzip %v", feed, err, again)
	}
	return err
}

func exportGzip(store storage.Store, feed string) ([]byte, error) {
	ctx := context.Background()
	catalog, err := part.Published(ctx, store)
	if err != nil {
		return nil, err
	}
	f, err := catalog.Open(ctx, store, feed)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = f.Files[0].WriteGzip(ctx, store, &b)
	return b.Bytes(), err
}

func unpack(data []byte) (string, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}
