// Package encode writes Arrow columns as a Parquet file.
//
// Its promise: the bytes depend only on the schema, the columns of each row group
// and the options; and every byte that a reader uses is covered by a digest in
// the footer, and the footer by its own.
//
// It exists beside Arrow's own writer, 2026-11: that one takes 2.4 times as long
// for the same rows (BenchmarkWrite of package parquetio), where DuckDB 2.0 takes
// 1.1 times as long, and its files 1.6 times as long to read; and it writes no
// checksums that its reader would check. What this one writes is plain Parquet for
// others: format version 2, data pages of version 1 with their CRC, PLAIN,
// RLE_DICTIONARY, DELTA_BINARY_PACKED and DELTA_LENGTH_BYTE_ARRAY, zstd where it
// pays. What is left is zstd for two thirds of the time.
//
// # Digests
//
// Two entries of the footer's key-value metadata are digests, both 64-bit XXH3
// in hexadecimal. "feedmill.chunks" has 16 digits per column chunk, in the order
// of the row groups and within them of the columns, over the bytes of the chunk
// from its first page's header on. "feedmill.footer", the last entry, has 16
// digits over the footer with these 16 digits being zeros.
package encode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/zeebo/xxh3"
)

const magic = "PAR1"

// Options say how columns are written.
type Options struct {
	NoDictionary func(column string) bool // of top-level columns whose values hardly ever repeat
}

// A File writes a Parquet file. It is not safe for concurrent use.
type File struct {
	w       io.Writer
	options Options
	schema  *arrow.Schema
	leaves  []*leaf
	chunker *chunker
	at      int64
	groups  []group
}

// A group is a row group.
type group struct {
	rows   int
	chunks []chunk
}

// NewFile begins a file of columns that are bools, 32- and 64-bit integers,
// doubles, timestamps in microseconds, dates, decimals of up to 18 digits, texts,
// binaries, and structs, lists and maps of them.
func NewFile(w io.Writer, schema *arrow.Schema, options Options) (*File, error) {
	all, err := leaves(schema)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("no columns")
	}
	c, err := newChunker()
	if err != nil {
		return nil, err
	}
	f := &File{w: w, options: options, schema: schema, leaves: all, chunker: c}
	return f, f.write([]byte(magic))
}

func (f *File) write(p []byte) error {
	n, err := f.w.Write(p)
	f.at += int64(n)
	return err
}

// WriteGroup writes a row group of at least one row.
func (f *File) WriteGroup(batch arrow.RecordBatch) error {
	g := group{rows: int(batch.NumRows()), chunks: make([]chunk, 0, len(f.leaves))}
	leaves := f.leaves
	for i, field := range f.schema.Fields() {
		s := shredder{leaves: leaves}
		s.shred(field, batch.Column(i))
		leaves = s.leaves
		for _, c := range s.columns {
			k, err := f.writeChunk(c)
			if err != nil {
				return err
			}
			g.chunks = append(g.chunks, k)
		}
	}
	f.groups = append(f.groups, g)
	return nil
}

func (f *File) writeChunk(c column) (chunk, error) {
	plain := f.options.NoDictionary != nil && f.options.NoDictionary(c.leaf.column)
	k, err := f.chunker.write(c, plain)
	if err != nil {
		return chunk{}, err
	}
	k.start = f.at
	return k, f.write(f.chunker.out)
}

// Close writes the footer with some entries. It does not close the writer below.
func (f *File) Close(entries []Entry) error {
	footer := f.footer(entries)
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	if err := f.write(append(footer, magic...)); err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	return nil
}

// An Entry is one of the footer's key-value metadata.
type Entry struct{ Key, Value string }

// The entries that hold digests.
const (
	ChunksEntry = "feedmill.chunks"
	FooterEntry = "feedmill.footer"
)

// footer returns the footer with its own digest.
func (f *File) footer(entries []Entry) []byte {
	var chunks []byte
	for _, g := range f.groups {
		for _, k := range g.chunks {
			chunks = fmt.Appendf(chunks, "%016x", k.digest)
		}
	}
	all := append(entries[:len(entries):len(entries)], Entry{ChunksEntry, string(chunks)}, Entry{FooterEntry, fmt.Sprintf("%016x", 0)})
	data, at := f.metadata(all)
	copy(data[at:], fmt.Sprintf("%016x", xxh3.Hash(data)))
	return data
}
