package part

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/feedmill/feedmill/internal/storage"
)

// Size returns the length of the file's plain bytes.
func (f *File) Size() int64 {
	n := int64(len(f.Header) + len(f.Footer))
	for _, p := range f.Pieces {
		n += p.Raw
	}
	return n
}

// gzipHeader is without a name and a time, from an unknown system.
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

const gzipTrailerLen = 8

// GzipSize returns the length of the file as a gzip member.
func (f *File) GzipSize() int64 {
	n := int64(len(gzipHeader)) + storedLen(len(f.Header)) + storedLen(len(f.Footer)) + int64(len(lastBlock)) + gzipTrailerLen
	for _, p := range f.Pieces {
		n += p.Length
	}
	return n
}

// CRC returns the CRC-32 of the file's plain bytes.
func (f *File) CRC() uint32 {
	sum := crc32.ChecksumIEEE(f.Header)
	for _, p := range f.Pieces {
		sum = combine(sum, p.RawSum, p.Raw)
	}
	return combine(sum, crc32.ChecksumIEEE(f.Footer), int64(len(f.Footer)))
}

// WritePlain writes the plain bytes, each segment checked before it is written.
func (f *File) WritePlain(ctx context.Context, store storage.Store, w io.Writer) error {
	if _, err := w.Write(f.Header); err != nil {
		return err
	}
	var inflater inflater
	err := f.each(ctx, store, func(p Piece, data []byte) error {
		text, err := inflater.inflate(data, p.Segment)
		if err != nil {
			return f.broken(p, err)
		}
		_, err = w.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	_, err = w.Write(f.Footer)
	return err
}

// WriteGzip writes the file as one gzip member, each segment checked before it is
// written; nothing is compressed anew.
func (f *File) WriteGzip(ctx context.Context, store storage.Store, w io.Writer) error {
	if _, err := w.Write(appendStored(gzipHeader[:len(gzipHeader):len(gzipHeader)], f.Header)); err != nil {
		return err
	}
	err := f.each(ctx, store, func(_ Piece, data []byte) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	end := append(appendStored(nil, f.Footer), lastBlock...)
	end = binary.LittleEndian.AppendUint32(end, f.CRC())
	end = binary.LittleEndian.AppendUint32(end, uint32(f.Size()))
	_, err = w.Write(end)
	return err
}

func (f *File) broken(p Piece, err error) error {
	return fmt.Errorf("read %s: %w: the segment at %d: %w", f.objects[p.Object].Name, errDamaged, p.Offset, err)
}

// each calls do with the checked bytes of each piece, in order.
func (f *File) each(ctx context.Context, store storage.Store, do func(p Piece, data []byte) error) error {
	r := &pieceReader{file: f, store: store}
	defer r.close()
	for from := 0; from < len(f.Pieces); {
		to := f.reach(from)
		data, err := r.read(ctx, from, to)
		if err != nil {
			return err
		}
		for _, p := range f.Pieces[from:to] {
			at := p.Offset - f.Pieces[from].Offset
			piece := data[at : at+p.Length]
			if err := p.check(piece); err != nil {
				return f.broken(p, err)
			}
			if err := do(p, piece); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

// Pieces of one object that lie close together are read at once.
const (
	readGap = 64 << 10 // bytes read and thrown away rather than asked for anew
	readMax = 4 << 20  // bytes at once
)

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

// A pieceReader keeps the last object open.
type pieceReader struct {
	file   *File
	store  storage.Store
	number int
	object storage.Object
}

func (r *pieceReader) close() {
	if r.object != nil {
		r.object.Close()
	}
}

// read reads from the first of some pieces to the end of the last.
func (r *pieceReader) read(ctx context.Context, from, to int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	first, last := r.file.Pieces[from], r.file.Pieces[to-1]
	name := r.file.objects[first.Object].Name
	if r.object == nil || r.number != first.Object {
		r.close()
		object, err := r.store.Open(ctx, name)
		if err != nil {
			r.object = nil
			return nil, fmt.Errorf("open %s: %w", name, err)
		}
		r.object, r.number = object, first.Object
		if size := r.file.objects[first.Object].Size; object.Size() != size {
			return nil, fmt.Errorf("read %s: %w", name, damaged("it has %d bytes, not %d", object.Size(), size))
		}
	}
	data, err := readAt(r.object, first.Offset, last.Offset+last.Length-first.Offset)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}
