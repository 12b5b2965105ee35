package event

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
)

// Kind is the kind of runs that make change sets.
const Kind = "events"

// Name returns the name of a partition of a feed's change set, but for removals.
func Name(run, feed string, partition int) string {
	return fmt.Sprintf("%s/%s/%s/%05d.jsonl.zst", Kind, run, feed, partition)
}

// RemovedName returns the name of the removals of a partition.
func RemovedName(run, feed string, partition int) string {
	return fmt.Sprintf("%s/%s/%s/%05d.removed.jsonl.zst", Kind, run, feed, partition)
}

// HeldName returns the name that an object of a change set has when it is held.
func HeldName(name string) string {
	path := strings.SplitN(name, "/", 3) // the kind, the run, and what is below it
	return fmt.Sprintf("%s/%s/held/%s", path[0], path[1], path[2])
}

// Hold moves an object of a change set to where it is held.
func Hold(ctx context.Context, store storage.Store, o manifest.Object) (manifest.Object, error) {
	held := manifest.Object{Name: HeldName(o.Name), Size: o.Size}
	if err := copyObject(ctx, store, o, held.Name); err != nil {
		return held, fmt.Errorf("copy %s to %s: %w", o.Name, held.Name, err)
	}
	if err := store.Remove(ctx, o.Name); err != nil {
		return held, fmt.Errorf("remove %s: %w", o.Name, err)
	}
	return held, nil
}

func copyObject(ctx context.Context, store storage.Store, from manifest.Object, name string) error {
	object, err := store.Open(ctx, from.Name)
	if err != nil {
		return err
	}
	defer object.Close()
	w, err := store.Create(ctx, name, storage.Replace)
	if err != nil {
		return err
	}
	n, err := io.Copy(w, io.NewSectionReader(object, 0, object.Size()))
	if err == nil && n != from.Size {
		err = fmt.Errorf("it has %d bytes, not %d", n, from.Size)
	}
	if err == nil {
		err = w.Commit()
	}
	return errors.Join(err, w.Abort()) // after Commit this does nothing
}

// A Writer writes a partition of a change set. It is for one goroutine.
type Writer struct {
	name   string
	object storage.Writer
	count  *counter
	zstd   *zstd.Encoder
	events int64
	line   []byte // scratch
}

type counter struct {
	to io.Writer
	n  int64
}

func (c *counter) Write(data []byte) (int, error) {
	n, err := c.to.Write(data)
	c.n += int64(n)
	return n, err
}

// window is how far back a compressed partition refers. A larger one makes it no
// smaller, since the fastest level forgets what is farther away, and a writer, of which
// diff has two for each event feed at once, holds megabytes: with 4 MB, as is usual at
// this level, 9 MB instead of 0.9 MB.
const window = 256 << 10

// Create begins a partition, which nobody sees until Commit returns nil. The
// caller calls Commit or Abort.
func Create(ctx context.Context, store storage.Store, name string) (*Writer, error) {
	object, err := store.Create(ctx, name, storage.Replace)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	w := &Writer{name: name, object: object, count: &counter{to: object}}
	w.zstd, err = zstd.NewWriter(w.count, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, errors.Join(err, object.Abort())
	}
	return w, nil
}

// Write appends an event, which must follow those before in the order of (hash, id).
func (w *Writer) Write(e *Event) error {
	w.line = append(e.Append(w.line[:0]), '\n')
	if _, err := w.zstd.Write(w.line); err != nil {
		return fmt.Errorf("write %s: %w", w.name, err)
	}
	w.events++
	return nil
}

// Events returns the number of events written so far.
func (w *Writer) Events() int64 { return w.events }

// Commit makes the partition visible.
func (w *Writer) Commit() (manifest.Object, error) {
	if err := w.zstd.Close(); err != nil {
		return manifest.Object{}, fmt.Errorf("write %s: %w", w.name, err)
	}
	if err := w.object.Commit(); err != nil {
		return manifest.Object{}, fmt.Errorf("commit %s: %w", w.name, err)
	}
	return manifest.Object{Name: w.name, Size: w.count.n}, nil
}

// Abort gives the partition up. After Commit it does nothing.
func (w *Writer) Abort() error { return w.object.Abort() }

// A Reader reads a partition of a change set.
type Reader struct {
	name   string
	object storage.Object
	zstd   *zstd.Decoder
	lines  *bufio.Reader
}

// Open opens a partition.
func Open(ctx context.Context, store storage.Store, name string) (*Reader, error) {
	object, err := store.Open(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	decoder, err := zstd.NewReader(io.NewSectionReader(object, 0, object.Size()), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", name, err), object.Close())
	}
	return &Reader{name: name, object: object, zstd: decoder, lines: bufio.NewReaderSize(decoder, 1<<16)}, nil
}

// Next returns the next event, or io.EOF.
func (r *Reader) Next() (*Event, error) {
	line, err := r.lines.ReadBytes('\n')
	if err == io.EOF && len(line) == 0 {
		return nil, io.EOF
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r.name, err)
	}
	e := &Event{}
	if err := json.Unmarshal(line, e); err != nil {
		return nil, fmt.Errorf("read %s: %w", r.name, err)
	}
	if !strings.HasPrefix(e.Type, typePrefix) {
		return nil, fmt.Errorf("read %s: event %s is of no known type", r.name, e.ID)
	}
	return e, nil
}

// Close closes the partition.
func (r *Reader) Close() error {
	r.zstd.Close()
	return r.object.Close()
}

// Check reads a partition to its end and returns an error unless it is whole.
func Check(ctx context.Context, store storage.Store, o manifest.Object) (err error) {
	r, err := Open(ctx, store, o.Name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if size := r.object.Size(); size != o.Size {
		return fmt.Errorf("read %s: it has %d bytes, not %d", o.Name, size, o.Size)
	}
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
