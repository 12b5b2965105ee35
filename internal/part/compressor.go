package part

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/flate"
)

// A Compressor compresses segments, each on its own. It holds about 1 MB and is
// for one goroutine. Which one NewCompressor returns is decided when feedmill is
// built: that of klauspost/compress, in pure Go, or with the build tag isal
// Intel's ISA-L. Their segments differ, what is in them does not, and parts and
// feeds may have segments of both.
//
// The levels are by measurement (BenchmarkCompressor, 2026-11: 16 MB of a feed of
// generated offers in segments of 32 kB and 128 kB, MB/s of a core and the ratio):
//
//	            32 kB        128 kB
//	pure Go  1  355  3.63    430  4.23
//	         2  343  3.62    417  4.35
//	         3  306  3.73    370  4.47
//	ISA-L    1  759  3.60    969  4.19
//	         2  718  3.65    914  4.30
//	         3  390  3.68    425  4.41
//
// So pure Go has level 1, since with many feeds segments are of about 30 kB and
// level 2 is smaller for larger ones only, and ISA-L level 2.
type Compressor struct {
	name string // what a part's table says of how its segments were compressed

	// deflate compresses data, which is in pieces, into a segment of its own, good
	// until the next one.
	deflate func(pieces [][]byte) ([]byte, error)
}

// Compress returns data, which may be in pieces, as a segment of its own, which is
// good until the next call. The pieces make no difference to it.
func (c *Compressor) Compress(pieces ...[]byte) ([]byte, error) { return c.deflate(pieces) }

// newPure returns the Compressor in pure Go.
func newPure() *Compressor {
	w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	var out bytes.Buffer
	return &Compressor{"klauspost/compress 1.20.3 level 1", func(pieces [][]byte) ([]byte, error) {
		out.Reset()
		w.Reset(&out)
		for _, piece := range pieces {
			if _, err := w.Write(piece); err != nil {
				return nil, err
			}
		}
		err := w.Flush()
		return out.Bytes(), err
	}}
}
