// Package section keeps objects of numbered sections, of which each can be read
// without the others.
//
// Its promise: a section that is read without an error has the bytes that were
// written.
//
// Such an object is its sections back to back, then for each of them its end (8
// bytes) and its CRC-32 (4 bytes), little-endian.
package section

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/feedmill/feedmill/internal/storage"
)

// Entry is the length of what says of a section where it ends.
const Entry = 12

// Write writes an object of sections.
func Write(ctx context.Context, store storage.Store, name string, sections [][]byte) error {
	var data, index []byte
	for _, s := range sections {
		data = append(data, s...)
		index = binary.LittleEndian.AppendUint64(index, uint64(len(data)))
		index = binary.LittleEndian.AppendUint32(index, crc32.ChecksumIEEE(s))
	}
	return storage.WriteAll(ctx, store, name, storage.Replace, append(data, index...))
}

// Read reads the sections of an object of n that are numbered from `from` on, before
// `to`, by two reads.
func Read(ctx context.Context, store storage.Store, name string, n, from, to int) ([][]byte, error) {
	object, err := store.Open(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer object.Close()
	out, err := read(object, n, from, to)
	if err != nil {
		return nil, fmt.Errorf("read sections %d to %d of %s: %w", from, to-1, name, err)
	}
	return out, nil
}

func read(object storage.Object, n, from, to int) ([][]byte, error) {
	index := object.Size() - int64(n*Entry)
	before := min(from, 1) // the entry that says where the first one begins
	entries, err := readExactly(object, index+int64((from-before)*Entry), int64((to-from+before)*Entry))
	if err != nil {
		return nil, err
	}
	ends := []int64{0}
	for i := range to - from + before {
		end := int64(binary.LittleEndian.Uint64(entries[i*Entry:]))
		if end < ends[i] || end > index {
			return nil, fmt.Errorf("one would end at %d of %d bytes", end, index)
		}
		ends = append(ends, end)
	}
	ends, entries = ends[before:], entries[before*Entry:]
	data, err := readExactly(object, ends[0], ends[to-from]-ends[0])
	if err != nil {
		return nil, err
	}
	out := make([][]byte, to-from)
	for i := range out {
		out[i] = data[ends[i]-ends[0] : ends[i+1]-ends[0]]
		if sum := crc32.ChecksumIEEE(out[i]); sum != binary.LittleEndian.Uint32(entries[i*Entry+8:]) {
			return nil, fmt.Errorf("the CRC of number %d is %08x", from+i, sum)
		}
	}
	return out, nil
}

func readExactly(r io.ReaderAt, offset, n int64) ([]byte, error) {
	if offset < 0 {
		return nil, io.ErrUnexpectedEOF
	}
	data := make([]byte, n)
	got, err := r.ReadAt(data, offset)
	if int64(got) == n && (err == nil || err == io.EOF) {
		return data, nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return nil, err
}
