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

// Read reads some sections of an object of n.
func Read(ctx context.Context, store storage.Store, name string, n int, wanted []int) ([][]byte, error) {
	object, err := store.Open(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer object.Close()
	out := make([][]byte, len(wanted))
	for i, section := range wanted {
		if out[i], err = readSection(object, n, section); err != nil {
			return nil, fmt.Errorf("read section %d of %s: %w", section, name, err)
		}
	}
	return out, nil
}

func readSection(object storage.Object, n, section int) ([]byte, error) {
	index := object.Size() - int64(n*Entry)
	begin := int64(0)
	if section > 0 {
		before, err := readExactly(object, index+int64((section-1)*Entry), Entry)
		if err != nil {
			return nil, err
		}
		begin = int64(binary.LittleEndian.Uint64(before))
	}
	entry, err := readExactly(object, index+int64(section*Entry), Entry)
	if err != nil {
		return nil, err
	}
	end := int64(binary.LittleEndian.Uint64(entry))
	if begin < 0 || end < begin || end > index {
		return nil, fmt.Errorf("it would be from %d to %d of %d bytes", begin, end, index)
	}
	data, err := readExactly(object, begin, end-begin)
	if err != nil {
		return nil, err
	}
	if sum := crc32.ChecksumIEEE(data); sum != binary.LittleEndian.Uint32(entry[8:]) {
		return nil, fmt.Errorf("its CRC is %08x", sum)
	}
	return data, nil
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
