package part

import (
	"fmt"
	"os"
	"slices"
)

// A shelf keeps bytes until they are fetched, in any order: up to its limit in
// memory, beyond in a temporary file below TMPDIR. The file has no name, so that
// a process that dies leaves nothing behind. The zero value, with a limit, is empty.
//
// Of generate's CPU it takes 5 %. To keep all in memory, or to write into the files of
// parts before once more, saved nothing that could be told from noise (2026-11).
type shelf struct {
	limit int
	data  []byte // the last that were put
	file  *os.File
	size  int64 // of the file
	read  []byte
}

// put keeps bytes and returns where they are.
func (s *shelf) put(data []byte) (at int64, err error) {
	at = s.size + int64(len(s.data))
	if need := len(s.data) + len(data); need > cap(s.data) { // append grows by a quarter, or beyond the limit
		s.data = append(make([]byte, 0, max(need, min(2*need, s.limit))), s.data...)
	}
	s.data = append(s.data, data...)
	if len(s.data) < s.limit {
		return at, nil
	}
	if s.file == nil {
		if s.file, err = unnamed(); err != nil {
			return 0, err
		}
	}
	for piece := range slices.Chunk(s.data, atOnce) {
		n, err := s.file.Write(piece)
		s.size += int64(n)
		if err != nil {
			return 0, err
		}
	}
	s.data = s.data[:0]
	return at, nil
}

func unnamed() (*os.File, error) {
	f, err := os.CreateTemp("", "feedmill-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("take the name from a temporary file: %w", err)
	}
	return f, nil
}

// get returns n bytes that were put together, good until the next call.
func (s *shelf) get(at, n int64) ([]byte, error) {
	if at >= s.size {
		return s.data[at-s.size : at-s.size+n], nil
	}
	if int64(cap(s.read)) < n {
		s.read = make([]byte, n)
	}
	s.read = s.read[:n]
	return s.read, readFull(s.file, at, s.read)
}

// close gives the bytes up. It may be called again.
func (s *shelf) close() error {
	s.data = nil
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}
