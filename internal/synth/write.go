package synth

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/storage"
)

// A Report says what Write found and made.
type Report struct {
	Objects int   `json:"objects"` // written by this call
	Kept    int   `json:"kept"`    // that stood there already
	Bytes   int64 `json:"bytes"`   // written by this call
	Rows    int64 `json:"rows"`    // of the offers' log, written by this call
}

// Write writes the objects of o's days to a store, those that exist excepted.
// A store that holds another market is refused.
func Write(ctx context.Context, store storage.Store, o Options) (*Report, error) {
	o = o.complete()
	if err := o.check(); err != nil {
		return nil, err
	}
	m, err := New(o)
	if err != nil {
		return nil, err
	}
	if err := claim(ctx, store, o); err != nil {
		return nil, err
	}
	w := writer{store: store, workers: o.Workers}
	if err := w.list(ctx); err != nil {
		return nil, err
	}
	data, markers := m.plan(o)
	if err := w.write(ctx, data); err != nil {
		return nil, err
	}
	return &w.report, w.write(ctx, markers)
}

// A card says which market a store holds; format 1 is the first.
type card struct {
	Format int    `json:"format"`
	Offers int    `json:"offers"`
	Seed   uint64 `json:"seed"`
	Start  string `json:"start"`
}

func (c card) String() string {
	return fmt.Sprintf("%d offers, seed %d, from %s", c.Offers, c.Seed, c.Start)
}

const cardName = "_synth.json"

// claim makes the store that of a market, or finds that it is.
func claim(ctx context.Context, store storage.Store, o Options) error {
	want := card{Format: 1, Offers: o.Offers, Seed: o.Seed, Start: dateText(o.Start)}
	data, err := storage.ReadAll(ctx, store, cardName)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = json.Marshal(want)
		return errors.Join(err, storage.WriteAll(ctx, store, cardName, storage.Exclusive, append(data, '\n')))
	}
	if err != nil {
		return err
	}
	var have card
	if err := json.Unmarshal(data, &have); err != nil {
		return fmt.Errorf("read %s: %w", cardName, err)
	}
	if have != want {
		return fmt.Errorf("another market stands there: %s; not %s", have, want)
	}
	return nil
}

// An object is something to write; write returns the rows of the log in it.
type object struct {
	name  string
	write func(ctx context.Context, w io.Writer) (int64, error)
}

type writer struct {
	store   storage.Store
	workers int
	exists  map[string]bool

	mu     sync.Mutex
	report Report
}

func (w *writer) list(ctx context.Context) error {
	w.exists = map[string]bool{}
	for info, err := range w.store.List(ctx, "") {
		if err != nil {
			return fmt.Errorf("list what exists: %w", err)
		}
		w.exists[info.Name] = true
	}
	return nil
}

// write writes objects side by side.
func (w *writer) write(ctx context.Context, objects []object) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(w.workers)
	for _, o := range objects {
		if w.exists[o.name] {
			w.kept()
			continue
		}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			if err := w.writeOne(ctx, o); err != nil {
				return fmt.Errorf("write %s: %w", o.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (w *writer) kept() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.Kept++
}

func (w *writer) writeOne(ctx context.Context, o object) error {
	out, err := w.store.Create(ctx, o.name, storage.Replace)
	if err != nil {
		return err
	}
	counted := &counter{w: out}
	buffered := bufio.NewWriterSize(counted, 1<<18)
	rows, err := o.write(ctx, buffered)
	if err = errors.Join(err, buffered.Flush()); err != nil {
		return errors.Join(err, out.Abort())
	}
	if err := out.Commit(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.Objects++
	w.report.Bytes += counted.n
	w.report.Rows += rows
	return nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
