package part

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/feedmill/feedmill/internal/storage"
)

// exportAhead is how many reads are under way while a file is written.
const exportAhead = 2

// A Body reads the bytes of a document, from any place. Each segment is checked
// before a byte of it is handed on. It is for one goroutine.
type Body struct {
	doc      *Document
	at       int64
	pieces   *fetcher // from the present piece on; nil until it is needed
	inflater inflater
	err      error

	ctx   context.Context
	store storage.Store
	ahead int
}

// Open returns the bytes of the document, at their beginning. While one stretch
// of segments is handed on, up to `ahead` more are read, each of up to 1 MB.
func (d *Document) Open(ctx context.Context, store storage.Store, ahead int) *Body {
	return &Body{doc: d, ctx: ctx, store: store, ahead: ahead}
}

// Close ends all reading.
func (b *Body) Close() error {
	b.drop()
	return nil
}

func (b *Body) drop() {
	if b.pieces != nil {
		b.pieces.close()
		b.pieces = nil
	}
}

// Err returns the first error of reading.
func (b *Body) Err() error { return b.err }

// Seek implements io.Seeker.
func (b *Body) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += b.at
	case io.SeekEnd:
		offset += b.doc.Size()
	}
	if offset < 0 {
		return 0, errors.New("seek to before the beginning")
	}
	if offset != b.at {
		b.drop()
		b.at = offset
	}
	return offset, nil
}

// Read implements io.Reader.
func (b *Body) Read(p []byte) (int, error) {
	data, err := b.next()
	if err != nil {
		return 0, err
	}
	n := copy(p, data)
	b.at += int64(n)
	return n, nil
}

// WriteTo writes the rest, a segment at a time.
func (b *Body) WriteTo(w io.Writer) (n int64, err error) {
	return b.CopyN(w, b.doc.Size()-b.at)
}

// CopyN writes the next n bytes, a segment at a time.
func (b *Body) CopyN(w io.Writer, n int64) (written int64, err error) {
	for written < n {
		data, err := b.next()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return written, err
		}
		data = data[:min(int64(len(data)), n-written)]
		m, err := w.Write(data)
		b.at += int64(m)
		written += int64(m)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// next returns the bytes from here to the end of the segment, or of the head or
// tail. They are good until the next call.
func (b *Body) next() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	if b.at < int64(len(b.doc.head)) {
		return b.doc.head[b.at:], nil
	}
	n := len(b.doc.begins) - 1
	if end := b.doc.begins[n]; b.at >= end {
		b.drop()
		if b.at-end >= int64(len(b.doc.tail)) {
			return nil, io.EOF
		}
		return b.doc.tail[b.at-end:], nil
	}
	data, err := b.piece()
	if err != nil {
		b.err = err
	}
	return data, err
}

// piece returns the rest of the present piece.
func (b *Body) piece() ([]byte, error) {
	i, found := slices.BinarySearch(b.doc.begins, b.at)
	for ; found && i+1 < len(b.doc.begins) && b.doc.begins[i+1] == b.at; i++ {
		// a segment without items
	}
	if !found {
		i--
	}
	if b.pieces == nil {
		b.pieces = newFetcher(b.ctx, b.store, b.doc.file, i, b.ahead)
	}
	data, err := b.pieces.piece(i)
	if err != nil {
		return nil, err
	}
	p := b.doc.file.Pieces[i]
	if err = p.check(data); err == nil && !b.doc.packed {
		data, err = b.inflater.inflate(data, p.Segment)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w: the segment at %d: %w", b.doc.file.objects[p.Object].Name, errDamaged, p.Offset, err)
	}
	return data[b.at-b.doc.begins[i]:], nil
}
