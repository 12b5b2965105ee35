package parquetio

import (
	"encoding/hex"
	"io"

	"github.com/zeebo/xxh3"
)

// A sink counts and digests what is written.
type sink struct {
	to   io.Writer
	hash *xxh3.Hasher
	size int64
}

func newSink(to io.Writer) *sink { return &sink{to: to, hash: xxh3.New()} }

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	s.size += int64(n)
	_, _ = s.hash.Write(p[:n]) // never fails
	return n, err
}

func (s *sink) digest() string {
	sum := s.hash.Sum128().Bytes()
	return hex.EncodeToString(sum[:])
}
