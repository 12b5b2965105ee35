package part

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/feedmill/feedmill/internal/storage"
)

// Pieces of one object that lie close together are read at once.
const (
	readGap = 64 << 10 // bytes read and thrown away rather than asked for anew
	readMax = 1 << 20  // bytes at once
)

// A fetcher reads the pieces of a file in order, some stretches ahead. The first
// stretch is read alone, since many readers want no more.
type fetcher struct {
	ctx    context.Context
	cancel context.CancelFunc
	store  storage.Store
	file   *File
	ahead  int

	next    int // the first piece that was not asked for
	pending []*stretch
	spare   [][]byte // of stretches that were handed on
	begun   bool     // the first stretch was handed on
	reading sync.WaitGroup

	mu      sync.Mutex
	objects map[int]*opening
}

// A stretch is pieces of one object that are read at once.
type stretch struct {
	from, to int // pieces
	done     chan struct{}
	data     []byte
	err      error
}

// An opening is an object that is being opened, or is open.
type opening struct {
	once   sync.Once
	object storage.Object
	err    error
}

func newFetcher(ctx context.Context, store storage.Store, file *File, first, ahead int) *fetcher {
	ctx, cancel := context.WithCancel(ctx)
	return &fetcher{ctx: ctx, cancel: cancel, store: store, file: file, ahead: ahead, next: first, objects: map[int]*opening{}}
}

// close waits for what is under way.
func (f *fetcher) close() {
	f.cancel()
	f.reading.Wait()
	f.pending = nil
	f.closeUnused()
}

// run returns the bytes of piece i, which is the one of the last call or behind it, and
// with them those of as many pieces as lie behind it without a gap, of no more than so
// many bytes. It returns the number of the next piece, too.
func (f *fetcher) run(i int, most int64) (data []byte, next int, err error) {
	for len(f.pending) > 0 && f.pending[0].to <= i {
		f.spare = append(f.spare, f.pending[0].data)
		f.pending = f.pending[1:]
		f.begun = true
		f.closeUnused()
	}
	f.fill()
	s := f.pending[0]
	<-s.done
	if s.err != nil {
		return nil, 0, s.err
	}
	first := f.file.Pieces[i]
	end := first.Offset + first.Length
	for next = i + 1; next < s.to; next++ {
		p := f.file.Pieces[next]
		if p.Offset != end || end+p.Length-first.Offset > most {
			break
		}
		end += p.Length
	}
	from := f.file.Pieces[s.from].Offset
	return s.data[first.Offset-from : end-from : end-from], next, nil
}

// fill begins to read what will be asked for soon.
func (f *fetcher) fill() {
	most := 1
	if f.begun {
		most += f.ahead
	}
	for len(f.pending) < most && f.next < len(f.file.Pieces) {
		s := &stretch{from: f.next, to: f.file.reach(f.next), done: make(chan struct{})}
		if last := len(f.spare) - 1; last >= 0 {
			s.data, f.spare = f.spare[last], f.spare[:last]
		} else if f.begun {
			s.data = make([]byte, readMax)
		}
		f.pending, f.next = append(f.pending, s), s.to
		if len(f.pending) == 1 {
			f.read(s)
			continue
		}
		f.reading.Go(func() { f.read(s) })
	}
}

func (f *fetcher) read(s *stretch) {
	defer close(s.done)
	if s.err = f.ctx.Err(); s.err != nil {
		return
	}
	first, last := f.file.Pieces[s.from], f.file.Pieces[s.to-1]
	object, err := f.open(first.Object)
	if err != nil {
		s.err = err
		return
	}
	s.data = slices.Grow(s.data[:0], int(last.Offset+last.Length-first.Offset))[:last.Offset+last.Length-first.Offset]
	if err := readFull(object, first.Offset, s.data); err != nil {
		s.err = fmt.Errorf("read %s: %w", f.file.objects[first.Object].Name, err)
	}
}

// open opens an object once, whoever comes first.
func (f *fetcher) open(number int) (storage.Object, error) {
	f.mu.Lock()
	o := f.objects[number]
	if o == nil {
		o = &opening{}
		f.objects[number] = o
	}
	f.mu.Unlock()
	o.once.Do(func() { o.object, o.err = f.openObject(f.file.objects[number]) })
	return o.object, o.err
}

func (f *fetcher) openObject(want Object) (storage.Object, error) {
	object, err := f.store.Open(f.ctx, want.Name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", want.Name, err)
	}
	if size := object.Size(); size != want.Size {
		object.Close()
		return nil, fmt.Errorf("read %s: %w", want.Name, damaged("it has %d bytes, not %d", size, want.Size))
	}
	return object, nil
}

// closeUnused closes the objects that no pending stretch is of.
func (f *fetcher) closeUnused() {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.objects, func(number int, o *opening) bool {
		used := slices.ContainsFunc(f.pending, func(s *stretch) bool { return f.file.Pieces[s.from].Object == number })
		if !used && o.object != nil {
			o.object.Close()
		}
		return !used
	})
}

// reach returns the end of the pieces that are read together with the first.
func (f *File) reach(first int) int {
	begin := f.Pieces[first]
	end := begin.Offset + begin.Length
	for i := first + 1; i < len(f.Pieces); i++ {
		p := f.Pieces[i]
		if p.Object != begin.Object || p.Offset < end || p.Offset-end > readGap || p.Offset+p.Length-begin.Offset > readMax {
			return i
		}
		end = p.Offset + p.Length
	}
	return len(f.Pieces)
}
