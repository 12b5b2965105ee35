package part

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
)

// lastBlock is an empty final block of fixed codes.
var lastBlock = []byte{0x03, 0x00}

// An inflater decompresses segments and checks them. It is for one goroutine.
type inflater struct {
	r   io.ReadCloser
	out []byte
}

// inflate returns the items of a segment, good until the next call.
func (f *inflater) inflate(data []byte, s Segment) ([]byte, error) {
	src := io.MultiReader(bytes.NewReader(data), bytes.NewReader(lastBlock))
	if f.r == nil {
		f.r = flate.NewReader(src)
	} else if err := f.r.(flate.Resetter).Reset(src, nil); err != nil {
		return nil, err
	}
	if int64(cap(f.out)) < s.Raw {
		f.out = make([]byte, s.Raw)
	}
	f.out = f.out[:s.Raw]
	if _, err := io.ReadFull(f.r, f.out); err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	var more [1]byte
	if n, err := f.r.Read(more[:]); n != 0 || err != io.EOF {
		return nil, fmt.Errorf("it does not end after %d bytes of items", s.Raw)
	}
	if sum := crc32.ChecksumIEEE(f.out); sum != s.RawSum {
		return nil, fmt.Errorf("the CRC of its items is %08x, not %08x", sum, s.RawSum)
	}
	return f.out, nil
}

// check checks the bytes of a segment.
func (s Segment) check(data []byte) error {
	if sum := crc32.ChecksumIEEE(data); sum != s.Sum {
		return fmt.Errorf("its CRC is %08x, not %08x", sum, s.Sum)
	}
	return nil
}

const storedMax = 1<<16 - 1

// appendStored appends data as stored blocks, none of them final.
func appendStored(dst, data []byte) []byte {
	for len(data) > 0 {
		n := min(len(data), storedMax)
		dst = append(dst, 0)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(n))
		dst = binary.LittleEndian.AppendUint16(dst, ^uint16(n))
		dst = append(dst, data[:n]...)
		data = data[n:]
	}
	return dst
}

func storedLen(n int) int64 { return int64(n) + 5*int64((n+storedMax-1)/storedMax) }
