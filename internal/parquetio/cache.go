package parquetio

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/feedmill/feedmill/internal/parquetio/encode"
	"github.com/feedmill/feedmill/internal/storage"
)

const (
	// coalesce is the gap that one read bridges rather than being two, and the
	// size of a streamed read: a far seek costs a store more than these bytes.
	coalesce = 1 << 20
	// tailSize is what Open reads at once: most footers are smaller.
	tailSize = 64 << 10
	// footerTail is the footer's length and the magic after the footer.
	footerTail = 8
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

// load replaces what is held by the given columns of a row group. With digests,
// one per leaf of the object, the columns are checked.
func (c *cache) load(group *metadata.RowGroupMetaData, leaves []int, digests []uint64) error {
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
	c.spans = merge(slices.Clone(spans))
	for i := range c.spans {
		if err := c.spans[i].read(c.object); err != nil {
			return err
		}
	}
	for i, s := range spans {
		if digests == nil {
			break
		}
		if err := encode.CheckChunk(c.held(s.at, s.end), digests[leaves[i]]); err != nil {
			return fmt.Errorf("column %d is damaged: %w", leaves[i], err)
		}
	}
	return nil
}

// held returns a part of the object if it is held, or nil.
func (c *cache) held(at, end int64) []byte {
	for _, s := range c.spans {
		if s.at <= at && end <= s.end {
			return s.data[at-s.at : end-s.at]
		}
	}
	return nil
}

// loadFooter holds the end of the object with the whole footer, which it checks
// against its digest if it has one.
func (c *cache) loadFooter() (protected bool, err error) {
	size := c.object.Size()
	if size < footerTail {
		return false, fmt.Errorf("%d bytes are no Parquet", size)
	}
	if err := c.loadTail(min(size, tailSize)); err != nil {
		return false, err
	}
	length := int64(binary.LittleEndian.Uint32(c.held(size-footerTail, size-4)))
	if length > size-footerTail {
		return false, fmt.Errorf("a footer of %d bytes in %d", length, size)
	}
	if length+footerTail > tailSize {
		if err := c.loadTail(length + footerTail); err != nil {
			return false, err
		}
	}
	return encode.CheckFooter(c.held(size-footerTail-length, size-footerTail))
}

// loadTail holds the last bytes of the object.
func (c *cache) loadTail(length int64) error {
	size := c.object.Size()
	c.spans = []span{{at: size - length, end: size}}
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
	if data := c.held(off, off+int64(len(p))); data != nil {
		return copy(p, data), nil
	}
	return wholeReads{c.object}.ReadAt(p, off)
}

// wholeReads gives no io.EOF with a read that is complete.
type wholeReads struct{ object storage.Object }

func (w wholeReads) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.object.ReadAt(p, off)
	switch {
	case n == len(p) && (err == nil || err == io.EOF):
		return n, nil
	case err == nil || err == io.EOF:
		return n, io.ErrUnexpectedEOF
	default:
		return n, err
	}
}
