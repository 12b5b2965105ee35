package synth

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// plainColumns are those of the log whose values are many: a dictionary would
// only cost.
var plainColumns = []string{
	"id", "ts", "seller", "code", "mpn", "title", "title_en", "description", "price", "list_price", "created", "weight", "images.list.element",
}

// A slice is the offers from one index to before another whose rows of a
// delivery stand in one file.
type slice struct{ slot, from, to int }

// A logFile is a file of the log being written.
type logFile struct {
	market  *Market
	slot    int
	file    *pqarrow.FileWriter
	rows    *rows
	written int64

	content content
	life    []moment
}

// writeLog writes the rows of a slice and returns how many there are.
func (m *Market) writeLog(ctx context.Context, w io.Writer, s slice) (int64, error) {
	mem := memory.NewGoAllocator()
	file, err := newParquet(w, logSchema, mem, plainColumns)
	if err != nil {
		return 0, err
	}
	f := logFile{market: m, slot: s.slot, file: file, rows: newRows(mem, m)}
	defer f.rows.Release()
	for i := s.from; i < s.to; i++ {
		f.add(i)
		if f.rows.n < rowGroup-16 {
			continue
		}
		if err := errors.Join(ctx.Err(), f.flush()); err != nil {
			return 0, err
		}
	}
	return f.written, errors.Join(f.flush(), file.Close())
}

// add adds the rows that the i-th offer has in the delivery. Those of every
// second offer stand in reverse order of time.
func (f *logFile) add(i int) {
	f.life = f.market.life(f.life[:0], i, f.slot/slotsPerDay)
	if i%2 == 1 {
		slices.Reverse(f.life)
	}
	for _, moment := range f.life {
		if moment.slot == f.slot {
			f.market.fill(&f.content, i, moment)
			f.rows.add(&f.content, f.market.start.UnixMicro())
		}
	}
}

// flush writes the rows so far as a row group.
func (f *logFile) flush() error {
	if f.rows.n == 0 {
		return nil
	}
	rec := f.rows.record()
	defer rec.Release()
	f.written += rec.NumRows()
	return f.file.Write(rec)
}
