package part

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/feedmill/feedmill/internal/storage"
)

// readTable reads and checks the table of an object and returns it with the
// object's size.
func readTable(ctx context.Context, store storage.Store, name, magic string) (table []byte, size int64, err error) {
	object, err := store.Open(ctx, name)
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", name, err)
	}
	defer object.Close()
	size = object.Size()
	table, err = tableOf(object, size, magic)
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", name, err)
	}
	return table, size, nil
}

func tableOf(object io.ReaderAt, size int64, magic string) ([]byte, error) {
	if size < int64(len(magic)+trailerLen) {
		return nil, damaged("it has only %d bytes", size)
	}
	end, err := readAt(object, size-trailerLen, trailerLen)
	if err != nil {
		return nil, err
	}
	t, err := readTrailer(end, size, magic)
	if err != nil {
		return nil, err
	}
	begin, err := readAt(object, 0, int64(len(magic)))
	if err != nil {
		return nil, err
	}
	if string(begin) != magic {
		return nil, damaged("it does not begin as it should")
	}
	table, err := readAt(object, size-trailerLen-t.table, t.table)
	if err != nil {
		return nil, err
	}
	if sum := crc32.ChecksumIEEE(table); sum != t.sum {
		return nil, damaged("the CRC of its table is %08x, not %08x", sum, t.sum)
	}
	return table, nil
}

// readAt reads n bytes; fewer are an error.
func readAt(object io.ReaderAt, offset, n int64) ([]byte, error) {
	data := make([]byte, n)
	return data, readFull(object, offset, data)
}

// readFull fills data.
func readFull(object io.ReaderAt, offset int64, data []byte) error {
	n, err := object.ReadAt(data, offset)
	switch {
	case n == len(data) && (err == nil || err == io.EOF):
		return nil
	case err == nil || err == io.EOF:
		return io.ErrUnexpectedEOF
	default:
		return err
	}
}
