package parquetio

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/feedmill/feedmill/internal/storage"
)

const (
	// coalesce is the gap that one read bridges rather than being two, and the
	// size of a streamed read: a far seek costs a store more than these bytes.
	coalesce = 1 << 20
	// heldGroup is the size of the columns of a row group, compressed, above
	// which they are streamed rather than held.
	heldGroup = 64 << 20
	// tailSize is what Open reads at once: most footers are smaller.
	tailSize = 64 << 10
)

// A cache answers reads from what load has read ahead, and others from the
// object.
type cache struct {
	object storage.Object
	spans  []span
}

// A span is a part of an object.
type span struct {
	at   int64
	end  int64
	data []byte
}

// load replaces what is held by the given columns of a row group.
func (c *cache) load(group *metadata.RowGroupMetaData, leaves []int) error {
	spans := make([]span, 0, len(leaves))
	for _, leaf := range leaves {
		s, err := chunkSpan(group, leaf)
		if err != nil {
			return err
		}
		if s.at < 0 || s.end < s.at || s.end > c.object.Size() {
			return fmt.Errorf("column %d lies at %d to %d of %d bytes", leaf, s.at, s.end, c.object.Size())
		}
		spans = append(spans, s)
	}
	c.spans = merge(spans)
	for i := range c.spans {
		if err := c.spans[i].read(c.object); err != nil {
			return err
		}
	}
	return nil
}

// loadTail holds the end of the object, where the footer is.
func (c *cache) loadTail() error {
	size := c.object.Size()
	c.spans = []span{{at: max(0, size-tailSize), end: size}}
	return c.spans[0].read(c.object)
}

func (s *span) read(object storage.Object) error {
	s.data = make([]byte, s.end-s.at)
	n, err := wholeReads{object}.ReadAt(s.data, s.at)
	if err != nil {
		return fmt.Errorf("%d of %d bytes at %d: %w", n, len(s.data), s.at, err)
	}
	return nil
}

// merge joins spans that are close to each other.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.at, b.at) })
	merged := spans[:0]
	for _, s := range spans {
		if last := len(merged) - 1; last >= 0 && s.at-merged[last].end <= coalesce {
			merged[last].end = max(merged[last].end, s.end)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// chunkSpan returns where a column of a row group lies.
func chunkSpan(group *metadata.RowGroupMetaData, leaf int) (span, error) {
	chunk, err := group.ColumnChunk(leaf)
	if err != nil {
		return span{}, err
	}
	at := chunk.DataPageOffset()
	if chunk.HasDictionaryPage() && chunk.DictionaryPageOffset() > 0 {
		at = min(at, chunk.DictionaryPageOffset())
	}
	return span{at: at, end: at + chunk.TotalCompressedSize()}, nil
}

func compressedSize(group *metadata.RowGroupMetaData, leaves []int) (int64, error) {
	var size int64
	for _, leaf := range leaves {
		s, err := chunkSpan(group, leaf)
		if err != nil {
			return 0, err
		}
		size += s.end - s.at
	}
	return size, nil
}

func (c *cache) ReadAt(p []byte, off int64) (int, error) {
	for _, s := range c.spans {
		if s.at <= off && off+int64(len(p)) <= s.end {
			return copy(p, s.data[off-s.at:]), nil
		}
	}
	return wholeReads{c.object}.ReadAt(p, off)
}

// wholeReads gives no io.EOF with a read that is complete.
type wholeReads struct{ object storage.Object }

func (w wholeReads) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.object.ReadAt(p, off)
	switch {
	case n == len(p):
		return n, nil
	case err == nil || err == io.EOF:
		return n, io.ErrUnexpectedEOF
	default:
		return n, err
	}
}
