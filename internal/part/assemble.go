package part

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"

	"github.com/zeebo/xxh3"

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
	return f.Plain().write(ctx, store, w)
}

// WriteGzip writes the file as one gzip member, each segment checked before it is
// written; nothing is compressed anew.
func (f *File) WriteGzip(ctx context.Context, store storage.Store, w io.Writer) error {
	return f.Gzip().write(ctx, store, w)
}

// A Document is a file in one of its two forms: the exact bytes that a partner
// gets. It knows them by the file's index alone, and is safe for concurrent use.
type Document struct {
	file   *File
	packed bool
	head   []byte
	tail   []byte
	begins []int64 // where each piece begins, and last the tail
}

// Plain returns the file's plain form.
func (f *File) Plain() *Document {
	return f.document(false, f.Header, f.Footer)
}

// Gzip returns the file as one gzip member. It takes some microseconds a segment.
func (f *File) Gzip() *Document {
	tail := append(appendStored(nil, f.Footer), lastBlock...)
	tail = binary.LittleEndian.AppendUint32(tail, f.CRC())
	tail = binary.LittleEndian.AppendUint32(tail, uint32(f.Size()))
	return f.document(true, appendStored(slices.Clone(gzipHeader), f.Header), tail)
}

func (f *File) document(packed bool, head, tail []byte) *Document {
	d := &Document{file: f, packed: packed, head: head, tail: tail, begins: make([]int64, len(f.Pieces)+1)}
	at := int64(len(head))
	for i, p := range f.Pieces {
		d.begins[i] = at
		if packed {
			at += p.Length
		} else {
			at += p.Raw
		}
	}
	d.begins[len(f.Pieces)] = at
	return d
}

// Size returns the number of bytes.
func (d *Document) Size() int64 { return d.begins[len(d.begins)-1] + int64(len(d.tail)) }

// Digest digests the bytes: documents of other bytes have another one.
func (d *Document) Digest() Digest {
	var t []byte
	t = appendString(t, string(d.head))
	t = appendString(t, string(d.tail))
	for _, p := range d.file.Pieces {
		t = binary.AppendUvarint(t, uint64(p.Raw))
		t = binary.LittleEndian.AppendUint32(t, p.RawSum)
		t = p.Digest.append(t)
		if d.packed {
			t = binary.AppendUvarint(t, uint64(p.Length))
			t = binary.LittleEndian.AppendUint32(t, p.Sum)
		}
	}
	h := xxh3.Hash128(t)
	return Digest{h.Lo, h.Hi}
}

func (d *Document) write(ctx context.Context, store storage.Store, w io.Writer) error {
	body := d.Open(ctx, store, exportAhead)
	defer body.Close()
	_, err := body.WriteTo(w)
	return err
}
