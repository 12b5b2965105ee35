package encode

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
	"github.com/zeebo/xxh3"
)

// The numbers of Parquet's codecs.
const (
	codecNone = 0
	codecZstd = 6
)

// A chunk is a column of a row group in the file.
type chunk struct {
	leaf       *leaf
	codec      int32
	encoding   int32
	dictionary bool
	pages      int
	entries    int
	nulls      int
	bounds     bounds
	start      int64 // in the file
	firstData  int64 // from start
	size       int64 // with headers
	plainSize  int64 // the same, uncompressed
	digest     uint64
}

// A chunker writes column chunks. It keeps what it needs between them.
type chunker struct {
	zstd       *zstd.Encoder
	dictionary dictionary
	ints       []int64
	page       packed // the data page at hand
	entries    packed // the dictionary page
	out        []byte // the chunk
}

// packed is a page before and after compression.
type packed struct{ raw, stored []byte }

func newChunker() (*chunker, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	return &chunker{zstd: z}, err
}

// write makes the bytes of a column chunk, which are w.out until the next call.
// A plain one has no dictionary.
func (w *chunker) write(c column, plain bool) (chunk, error) {
	v, err := valuesOf(c, &w.ints)
	if err != nil {
		return chunk{}, fmt.Errorf("column %s: %w", c.leaf.column, err)
	}
	k := chunk{leaf: c.leaf, entries: c.entries, nulls: c.entries - v.n, encoding: v.encoding(c.leaf)}
	var d *dictionary
	if !plain && w.dictionary.build(v, c.leaf) {
		d, k.dictionary, k.encoding = &w.dictionary, true, encodingDictionary
	}
	k.bounds = boundsOf(v, d, c.leaf)
	w.pages(&k, c, v)
	k.size, k.digest = int64(len(w.out)), xxh3.Hash(w.out)
	return k, nil
}

// pages writes the dictionary page, if there is one, and the data pages.
func (w *chunker) pages(k *chunk, c column, v values) {
	w.out = w.out[:0]
	var last cut
	for i, end := range cuts(c, v) {
		w.data(k, c, v, last, end)
		if i == 0 {
			w.begin(k, v.size)
		} else {
			w.compress(&w.page, k.codec)
		}
		header := len(w.out)
		w.out = dataHeader(w.out, w.page.stored, len(w.page.raw), end.entry-last.entry, k.encoding)
		w.store(k, &w.page, header)
		last = end
		k.pages++
	}
}

// data makes the data page of the entries and values between two cuts.
func (w *chunker) data(k *chunk, c column, v values, from, to cut) {
	raw := c.appendLevels(w.page.raw[:0], from.entry, to.entry)
	if k.dictionary {
		w.page.raw = w.dictionary.append(raw, from.value, to.value)
	} else {
		w.page.raw = v.append(raw, c.leaf, from.value, to.value)
	}
}

// begin decides from the first pages whether the chunk is compressed, and writes
// the dictionary page.
func (w *chunker) begin(k *chunk, size int) {
	w.entries.raw = w.entries.raw[:0]
	if k.dictionary {
		w.entries.raw = w.dictionary.page(w.entries.raw, size)
	}
	k.codec = w.codec()
	w.compress(&w.page, k.codec)
	w.compress(&w.entries, k.codec)
	if k.dictionary {
		w.out = dictionaryHeader(w.out, w.entries.stored, len(w.entries.raw), w.dictionary.entries())
		w.store(k, &w.entries, 0)
		k.firstData = int64(len(w.out))
	}
}

// codec tries the end of the larger one of both pages: at the beginning are
// levels and the lengths of texts, which are no example for the rest. Codes and deltas are often
// as dense as can be; then compression would cost both writer and reader for
// nothing.
func (w *chunker) codec() int32 {
	page := w.page.raw
	if len(w.entries.raw) > len(page) {
		page = w.entries.raw
	}
	trial := page[max(0, len(page)-trialBytes):]
	w.page.stored = w.zstd.EncodeAll(trial, w.page.stored[:0])
	if 10*len(w.page.stored) > 9*len(trial) {
		return codecNone
	}
	return codecZstd
}

// trialBytes is how much of a page tells whether compression pays.
const trialBytes = 16 << 10

func (w *chunker) compress(p *packed, codec int32) {
	if codec == codecNone {
		p.stored = append(p.stored[:0], p.raw...)
		return
	}
	p.stored = w.zstd.EncodeAll(p.raw, p.stored[:0])
}

// store appends a page after its header.
func (w *chunker) store(k *chunk, p *packed, header int) {
	k.plainSize += int64(len(w.out) - header + len(p.raw))
	w.out = append(w.out, p.stored...)
}
