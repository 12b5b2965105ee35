package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/feedmill/feedmill/internal/storage"
)

const (
	readSize  = 1 << 20   // of one request to the store
	maxRecord = 64 << 20  // bytes of one row as text
	maxWindow = 128 << 20 // bytes that a zstd file may refer back, as of zstd --long
)

var byteOrderMark = []byte("\ufeff")

// content reads an object as the bytes that its name promises: unpacked where it
// ends in .gz or .zst, without a byte order mark.
type content struct {
	io.Reader
	close func()
}

func newContent(object storage.Object, name string) (*content, error) {
	packed := bufio.NewReaderSize(io.NewSectionReader(object, 0, object.Size()), readSize)
	c, err := unpack(packed, strings.ToLower(name))
	if err != nil {
		return nil, err
	}
	c.Reader = withoutMark(c.Reader)
	return c, nil
}

// withoutMark drops a byte order mark.
func withoutMark(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 64<<10)
	if start, _ := b.Peek(len(byteOrderMark)); bytes.Equal(start, byteOrderMark) {
		b.Discard(len(byteOrderMark))
	}
	return b
}

func unpack(packed *bufio.Reader, name string) (*content, error) {
	gz, zst := strings.HasSuffix(name, ".gz"), strings.HasSuffix(name, ".zst")
	if !gz && !zst {
		return &content{Reader: packed, close: func() {}}, nil
	}
	if _, err := packed.Peek(1); err != nil {
		return nil, damaged(err)
	}
	if gz {
		r, err := gzip.NewReader(packed)
		if err != nil {
			return nil, damaged(err)
		}
		return &content{Reader: sound{r}, close: func() { r.Close() }}, nil
	}
	r, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, damaged(err)
	}
	return &content{Reader: sound{r}, close: r.Close}, nil
}

// errDamaged is under every error of a file that could not be unpacked.
var errDamaged = errors.New("the compressed file is damaged or cut short")

func damaged(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}

// sound marks the errors of unpacking.
type sound struct{ io.Reader }

func (s sound) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = damaged(err)
	}
	return n, err
}
