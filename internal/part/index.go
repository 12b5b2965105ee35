package part

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/feedmill/feedmill/internal/storage"
)

// A Feed is a feed as it was made: what its index says.
type Feed struct {
	Name    string
	Run     string
	Updated time.Time // when the content last changed, in milliseconds
	Content Digest    // see ContentDigest
	Objects []Object  // that hold the segments
	Files   []*File   // one, or several when the feed is numbered
	Sample  Sample
}

// An Object is a part that a feed has segments in.
type Object struct {
	Name string
	Size int64
}

// A File is one XML document of a feed.
type File struct {
	Name   string // the feed's, or feed-1, feed-2, ... of a numbered feed
	Items  int64
	Header []byte
	Footer []byte
	Pieces []Piece

	objects []Object
}

// A Piece is a segment in one of a feed's objects.
type Piece struct {
	Object int
	Segment
}

// Items returns the number of items in all files.
func (f *Feed) Items() int64 {
	var n int64
	for _, file := range f.Files {
		n += file.Items
	}
	return n
}

// Bytes returns the length of all files, uncompressed.
func (f *Feed) Bytes() int64 {
	var n int64
	for _, file := range f.Files {
		n += file.Size()
	}
	return n
}

// WriteIndex writes the index of a feed and returns its length.
func WriteIndex(ctx context.Context, store storage.Store, f *Feed) (int64, error) {
	table := f.encode()
	data := append([]byte(feedMagic), table...)
	data = appendTrailer(data, table, feedMagic)
	if err := storage.WriteAll(ctx, store, IndexName(f.Run, f.Name), storage.Replace, data); err != nil {
		return 0, fmt.Errorf("write the index of feed %s: %w", f.Name, err)
	}
	return int64(len(data)), nil
}

func (f *Feed) encode() []byte {
	t := appendString(nil, f.Name)
	t = appendString(t, f.Run)
	t = binary.AppendUvarint(t, uint64(f.Updated.UnixMilli()))
	t = f.Content.append(t)
	t = binary.AppendUvarint(t, uint64(len(f.Objects)))
	for _, o := range f.Objects {
		t = appendString(t, o.Name)
		t = binary.AppendUvarint(t, uint64(o.Size))
	}
	t = binary.AppendUvarint(t, uint64(len(f.Files)))
	for _, file := range f.Files {
		t = file.append(t)
	}
	return f.Sample.append(t)
}

func (f *File) append(t []byte) []byte {
	t = appendString(t, f.Name)
	t = appendString(t, string(f.Header))
	t = appendString(t, string(f.Footer))
	t = binary.AppendUvarint(t, uint64(len(f.Pieces)))
	for _, p := range f.Pieces {
		t = binary.AppendUvarint(t, uint64(p.Object))
		t = binary.AppendUvarint(t, uint64(p.Offset))
		t = appendSegment(t, p.Segment)
	}
	return t
}

// OpenFeed reads a feed index.
func OpenFeed(ctx context.Context, store storage.Store, name string) (*Feed, error) {
	table, size, err := readTable(ctx, store, name, feedMagic)
	if err != nil {
		return nil, err
	}
	if size != int64(len(feedMagic)+len(table)+trailerLen) {
		return nil, fmt.Errorf("read %s: %w", name, damaged("it has %d bytes", size))
	}
	f := &Feed{}
	if err := f.decode(table); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return f, nil
}

func (f *Feed) decode(table []byte) error {
	d := &decoder{data: table}
	f.Name, f.Run = d.string(), d.string()
	f.Updated = time.UnixMilli(d.length()).UTC()
	f.Content = d.digest()
	f.Objects = make([]Object, d.count(2))
	for i := range f.Objects {
		f.Objects[i] = Object{d.string(), d.length()}
	}
	f.Files = make([]*File, d.count(4))
	for i := range f.Files {
		f.Files[i] = f.file(d)
	}
	f.Sample = d.sample()
	return d.end()
}

func (f *Feed) file(d *decoder) *File {
	file := &File{Name: d.string(), Header: d.text(), Footer: d.text(), objects: f.Objects}
	file.Pieces = make([]Piece, d.count(2+segmentLen))
	for i := range file.Pieces {
		p := &file.Pieces[i]
		p.Object, p.Offset = d.below(len(f.Objects), "object"), d.length()
		d.segment(&p.Segment)
		if d.err == nil && p.Offset+p.Length > f.Objects[p.Object].Size {
			d.fail("a segment is outside of its object")
		}
		file.Items += p.Items
	}
	return file
}
