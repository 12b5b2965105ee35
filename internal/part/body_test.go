package part

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/fault"
	"github.com/feedmill/feedmill/internal/storage/mem"
)

// openings counts the objects of a store that are open.
type openings struct {
	storage.Store
	mu         sync.Mutex
	open, most int
}

func (o *openings) Open(ctx context.Context, name string) (storage.Object, error) {
	object, err := o.Store.Open(ctx, name)
	if err == nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.open++
		o.most = max(o.most, o.open)
	}
	return &counted{object, o}, err
}

type counted struct {
	storage.Object
	of *openings
}

func (c *counted) Close() error {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.of.open--
	return c.Object.Close()
}

// spreadFile is a file over the parts of several partitions.
func spreadFile(t testing.TB, store storage.Store, random *rand.Rand, partitions, items int) *File {
	t.Helper()
	var parts []*Part
	for i := range partitions {
		parts = append(parts, randomCatalogue(random, 6, items).write(t, store, Name(sampleRun, "list", i), small))
	}
	return reopen(t, store, index(2, parts...)).Files[0]
}

// Whatever is read of a document, from wherever, is that part of its bytes.
func TestBody(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	store := &openings{Store: mem.New()}
	f := spreadFile(t, store, random, 9, 300)
	for name, doc := range map[string]*Document{"plain": f.Plain(), "gzip": f.Gzip()} {
		var whole bytes.Buffer
		if err := doc.write(t.Context(), store, &whole); err != nil {
			t.Fatal(err)
		}
		if int64(whole.Len()) != doc.Size() {
			t.Fatalf("%s: %d bytes, announced were %d", name, whole.Len(), doc.Size())
		}
		for ahead := range 4 {
			body := doc.Open(t.Context(), store, ahead)
			if err := iotest.TestReader(body, whole.Bytes()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for range 200 {
				at := random.Int64N(doc.Size())
				n := random.Int64N(min(doc.Size()-at, 1<<uint(random.IntN(20))) + 1)
				var got bytes.Buffer
				if _, err := body.Seek(at, io.SeekStart); err != nil {
					t.Fatal(err)
				}
				if m, err := body.CopyN(&got, n); err != nil || m != n {
					t.Fatalf("%s: %d bytes at %d: %d, %v", name, n, at, m, err)
				}
				if !bytes.Equal(got.Bytes(), whole.Bytes()[at:at+n]) {
					t.Fatalf("%s: %d bytes at %d are others", name, n, at)
				}
			}
			if err := body.Close(); err != nil || store.open != 0 {
				t.Fatalf("%s: %d objects are open after Close, %v", name, store.open, err)
			}
		}
	}
	if store.most > 5 {
		t.Errorf("%d objects were open at once", store.most)
	}
}

// partsOf opens the parts of a file.
func partsOf(t *testing.T, store storage.Store, f *File) (parts []*Part) {
	t.Helper()
	for _, o := range f.objects {
		p, err := Open(t.Context(), store, o.Name)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	return parts
}

func TestBodyEnds(t *testing.T) {
	store := mem.New()
	f := spreadFile(t, store, rand.New(rand.NewPCG(1, 2)), 2, 50)
	body := f.Plain().Open(t.Context(), store, 1)
	defer body.Close()
	if _, err := body.Seek(-1, io.SeekStart); err == nil {
		t.Error("it seeks to before the beginning")
	}
	if at, err := body.Seek(5, io.SeekEnd); err != nil || at != f.Size()+5 {
		t.Errorf("Seek: %d, %v", at, err)
	}
	if n, err := body.Read(make([]byte, 3)); n != 0 || err != io.EOF {
		t.Errorf("behind the end: %d, %v", n, err)
	}
	if n, err := body.CopyN(io.Discard, 1); n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("behind the end: %d, %v", n, err)
	}
}

// An operation that fails is an error that stays; nothing is handed on behind it.
func TestBodyFails(t *testing.T) {
	store := mem.New()
	f := spreadFile(t, store, rand.New(rand.NewPCG(1, 2)), 4, 300)
	var whole bytes.Buffer
	if err := f.WritePlain(t.Context(), store, &whole); err != nil {
		t.Fatal(err)
	}
	failures := 0
	for n := 0; ; n++ {
		broken := &openings{Store: fault.New(store, fault.Plan{At: n})}
		body := f.Plain().Open(t.Context(), broken, 3)
		got, err := io.ReadAll(body)
		again, _ := body.Read(make([]byte, 1))
		body.Close()
		if broken.open != 0 {
			t.Fatalf("operation %d: %d objects stay open", n, broken.open)
		}
		if !broken.Store.(*fault.Store).Fired() {
			break
		}
		failures++
		if err == nil || body.Err() == nil || again != 0 || !strings.HasPrefix(whole.String(), string(got)) {
			t.Fatalf("operation %d: %v, %d more bytes, or others", n, err, again)
		}
	}
	if failures < 8 {
		t.Errorf("only %d operations", failures)
	}
}

// A context that ends stops a body in the middle.
func TestBodyIsCancelled(t *testing.T) {
	store := mem.New()
	f := spreadFile(t, store, rand.New(rand.NewPCG(1, 2)), 4, 300)
	ctx, cancel := context.WithCancel(t.Context())
	body := f.Plain().Open(ctx, store, 0)
	defer body.Close()
	if _, err := body.CopyN(io.Discard, int64(len(f.Header))+1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := body.WriteTo(io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("WriteTo: %v", err)
	}
}

// Documents of other bytes have other digests; the same bytes have the same one.
func TestDocumentDigest(t *testing.T) {
	store := mem.New()
	f := spreadFile(t, store, rand.New(rand.NewPCG(1, 2)), 2, 60)
	seen := map[Digest]string{}
	add := func(name string, d *Document) {
		if other, found := seen[d.Digest()]; found {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[d.Digest()] = name
	}
	add("plain", f.Plain())
	add("gzip", f.Gzip())
	if again := reopen(t, store, index(2, partsOf(t, store, f)...)).Files[0].Plain(); again.Digest() != f.Plain().Digest() {
		t.Error("a document has two digests")
	}
	other := *f
	other.Header = append(other.Header[:len(other.Header):len(other.Header)], 'x')
	add("another header", other.Plain())
	other = *f
	other.Header, other.Footer = nil, append(f.Header[:len(f.Header):len(f.Header)], f.Footer...)
	add("the header behind", other.Plain())
	other = *f
	other.Pieces = append([]Piece{f.Pieces[1], f.Pieces[0]}, f.Pieces[2:]...)
	add("another order", other.Plain())
	other.Pieces = f.Pieces[1:]
	add("fewer", other.Plain())
}
