package source

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/storage"
)

// records is a file that is read record by record, before rows are exploded.
type records interface {
	// next moves on to the next record and fills the cells of the row tree. It
	// returns io.EOF at the end and a *badRecord where only this record cannot be
	// read.
	next() error
	place() int64 // the record's line, or zero
	text() []byte // the record
}

// rows reads a file row by row.
type rows struct {
	source  *Source
	file    File
	options ScanOptions
	records records
	row     row
	found   [2]*sighting // of row and item
	items   elementsLeft
	within  bool // items may have more
	builder *builder
	count   Stats
	release func() error
}

// openRows takes over the object unless there is an error.
func (s *Source) openRows(object storage.Object, f File, options ScanOptions) (batches, error) {
	if err := sameSize(f, object.Size()); err != nil {
		return nil, err
	}
	c, err := newContent(object, f.Name)
	if err != nil {
		return nil, err
	}
	r := s.newRows(f, options)
	if r.records, err = s.records(c, r.rowWalker()); err != nil {
		r.builder.release()
		c.close()
		return nil, err
	}
	r.release = func() error {
		c.close()
		return object.Close()
	}
	return r, nil
}

// rowWalker fills the cells of the row tree.
func (r *rows) rowWalker() *walker {
	return &walker{tree: r.source.row, cells: r.row.fields, seen: r.found[0]}
}

func (s *Source) records(c *content, w *walker) (records, error) {
	switch s.Def.Format {
	case JSON:
		return newJSONArray(c, w, s.Def.Rows.Value), nil
	case JSONL:
		return newJSONL(c, w), nil
	default:
		return newCSV(c, w, s.Def.CSV)
	}
}

// newRows returns a rows that has no records yet.
func (s *Source) newRows(f File, options ScanOptions) *rows {
	r := &rows{source: s, file: f, options: options, builder: newBuilder(s, options.Alloc)}
	r.found = [2]*sighting{newSighting(s.row), newSighting(s.item)}
	r.row = row{source: s, fields: make([]cell, len(s.row.nodes)), item: make([]cell, len(s.item.nodes))}
	r.row.vars = predicate.Vars{Path: f.path()}
	r.items.walker = &walker{tree: s.item, cells: r.row.item, seen: r.found[1]}
	return r
}

func (r *rows) next() (arrow.RecordBatch, error) {
	for r.builder.rows < r.options.BatchRows && r.builder.bytes < batchBytes {
		err := r.advance()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if r.builder.rows == 0 {
		return nil, io.EOF
	}
	return r.flush()
}

// flush returns the rows collected, or what comes next when all were rejected.
func (r *rows) flush() (arrow.RecordBatch, error) {
	record := r.builder.finish()
	if record.NumRows() == 0 {
		record.Release()
		return r.next()
	}
	r.count.Emitted += record.NumRows()
	return record, nil
}

// advance handles the next row, or the next record when it gives none.
func (r *rows) advance() error {
	if r.within {
		return r.nextItem()
	}
	err := r.records.next()
	var bad *badRecord
	switch {
	case err == nil && r.source.explode == nil:
		r.row.made.row, r.row.made.item = false, false
		r.take()
		return nil
	case err == nil:
		r.row.made.row = false
		r.explode()
		return nil
	case errors.As(err, &bad):
		r.reject(&rowError{reason: bad.reason})
		return nil
	default:
		return err
	}
}

func (r *rows) explode() {
	v := r.source.explode
	c, err := r.row.get(v)
	if err == nil {
		r.within, err = r.items.begin(c)
	}
	if err != nil {
		r.reject(rejectAt(v.place, err))
	}
}

func (r *rows) nextItem() error {
	var err error
	if r.within, err = r.items.next(); err != nil {
		r.reject(rejectAt(r.source.explode.place, err))
		return nil
	}
	if r.within {
		r.row.made.item = false
		r.take()
	}
	return nil
}

// take adds the row that the cells hold to the batch.
func (r *rows) take() {
	if rejected := r.builder.add(&r.row, r.count.Read); rejected != nil {
		r.reject(rejected)
		return
	}
	r.count.Read++
}

func (r *rows) reject(e *rowError) {
	r.options.Reject(Reject{
		File: r.file.Place(), Row: r.count.Read, Line: r.records.place(),
		Place: e.place, Reason: e.reason, Raw: excerpt(r.records.text()),
	})
	r.count.Read++
	r.count.Rejected++
}

// excerpt is a text cut to a kilobyte, as UTF-8.
func excerpt(raw []byte) string {
	const limit = 1024
	if len(raw) > limit {
		cut := limit
		for cut > limit-utf8.UTFMax && !utf8.RuneStart(raw[cut]) {
			cut--
		}
		raw = raw[:cut]
	}
	return strings.ToValidUTF8(string(raw), "\ufffd")
}

func (r *rows) stats() Stats {
	out := r.count
	r.found[0].addTo(&out.Seen, r.source.row)
	r.found[1].addTo(&out.Seen, r.source.item)
	return out
}

func (r *rows) close() error {
	r.builder.release()
	return r.release()
}

// elementsLeft is the elements of an exploded list that were not taken yet.
type elementsLeft struct {
	walker *walker
	array  []byte // JSON, from at on
	at     int
	values []any
}

var errNoList = errors.New("the value is not a list")

// begin starts on a list. It reports whether there is one.
func (e *elementsLeft) begin(list *cell) (bool, error) {
	e.array, e.values = nil, nil
	switch list.kind {
	case absent, null:
		return false, nil
	case raw:
		if list.data[0] != '[' {
			return false, errNoList
		}
		e.array, e.at = list.data, nextToken(list.data, 1)
		return true, nil
	}
	v, err := list.plain()
	if err != nil {
		return false, err
	}
	values, ok := v.([]any)
	if !ok {
		return false, errNoList
	}
	e.values = values
	return true, nil
}

// next fills the cells of the item tree. It reports whether there was one more.
func (e *elementsLeft) next() (bool, error) {
	if e.array == nil {
		return e.nextValue()
	}
	if e.array[e.at] == ']' {
		return false, nil
	}
	end := valueEnd(e.array, e.at)
	value := e.array[e.at:end]
	if e.at = nextToken(e.array, end); e.array[e.at] == ',' {
		e.at = nextToken(e.array, e.at+1)
	}
	return true, e.walker.walk(value)
}

func (e *elementsLeft) nextValue() (bool, error) {
	if len(e.values) == 0 {
		return false, nil
	}
	e.walker.fill(e.values[0])
	e.values = e.values[1:]
	return true, nil
}
