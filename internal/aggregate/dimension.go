package aggregate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/batch"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A dimension is a joined source in memory, as struct arrays ordered by what it
// is looked up by and then as the join says. It is safe for concurrent use.
type dimension struct {
	join    *workspace.Join
	structs []arrow.Array // of batch.Rows values each, but for the last
	spans   map[string]span
	bytes   int64   // of memory that it takes, about
	ranks   []int32 // of each row by the join's order, ties equal; nil: an offer looks one key up
}

// A span is a range of a dimension's rows.
type span struct{ from, to int32 }

func (d *dimension) release() {
	for _, s := range d.structs {
		s.Release()
	}
}

func (d *dimension) ref(row int32) batch.Ref {
	return batch.Ref{Batch: row / batch.Rows, Row: row % batch.Rows}
}

// one returns the row of each key, or Null.
func (d *dimension) one(keys *array.String) ([]batch.Ref, error) {
	refs := make([]batch.Ref, keys.Len())
	for i := range refs {
		s := d.find(keys, i)
		if s.to-s.from > 1 {
			return nil, fmt.Errorf("join %s: source %s has %d rows for %q: join them with `many: true`", d.join.Name, d.join.Source, s.to-s.from, keys.Value(i))
		}
		refs[i] = batch.Null
		if s.to > s.from {
			refs[i] = d.ref(s.from)
		}
	}
	return refs, nil
}

// many returns the rows of each offer back to back, with the offsets of each.
func (d *dimension) many(keys *lookup) (offsets []int32, refs []batch.Ref, err error) {
	offsets = make([]int32, 1, keys.offers()+1)
	var wanted []string
	var rows []int32
	for i := range keys.offers() {
		wanted = keys.keys(wanted[:0], i)
		rows = d.rows(rows[:0], wanted)
		if d.join.Limit > 0 && len(rows) > d.join.Limit {
			return nil, nil, fmt.Errorf("join %s: source %s has %d rows for %q, more than `limit: %d`",
				d.join.Name, d.join.Source, len(rows), strings.Join(wanted, ", "), d.join.Limit)
		}
		for _, row := range rows {
			refs = append(refs, d.ref(row))
		}
		offsets = append(offsets, int32(len(refs)))
	}
	return offsets, refs, nil
}

// rows appends the rows of some keys: in the join's order, and where that says
// nothing in the order of the keys.
func (d *dimension) rows(dst []int32, keys []string) []int32 {
	for _, key := range keys {
		s := d.spans[key]
		for row := s.from; row < s.to; row++ {
			dst = append(dst, row)
		}
	}
	if len(keys) > 1 && d.ranks != nil {
		slices.SortStableFunc(dst, func(a, b int32) int { return cmp.Compare(d.ranks[a], d.ranks[b]) })
	}
	return dst
}

func (d *dimension) find(keys *array.String, i int) span {
	if keys.IsNull(i) {
		return span{}
	}
	return d.spans[keys.Value(i)]
}

// A dimensionRow is a row on its way into a dimension.
type dimensionRow struct {
	ref   batch.Ref
	text  string
	order []any
	file  int32
	row   int64
}

// rowCost is about how many bytes a row of a dimension takes beside its values.
const rowCost = 100

// loading builds a dimension.
type loading struct {
	*worker
	join    *workspace.Join
	columns [][]arrow.Array // the declared ones, of each batch
	texts   []*array.String // of each batch, what its rows are looked up by
	rows    []dimensionRow
	bytes   int64 // taken from the budget
}

// loadDimension reads the whole state of a joined source. A source that takes
// more than what is left of the budget is an error.
func (w *worker) loadDimension(ctx context.Context, join *workspace.Join, state stateRef) (*dimension, error) {
	l := &loading{worker: w, join: join}
	defer l.release()
	for partition := range w.ws.Partitions {
		if err := l.partition(ctx, state, partition); err != nil {
			return nil, fmt.Errorf("join %s: %w", join.Name, err)
		}
	}
	l.sort()
	d := l.build()
	if join.Many && len(join.Order) > 0 && mayBeList(join.On) {
		d.ranks = l.ranks()
	}
	l.bytes -= d.bytes
	return d, nil
}

// release gives up what the dimension has not taken over.
func (l *loading) release() {
	for _, column := range l.columns {
		releaseAll(column)
	}
	for _, texts := range l.texts {
		texts.Release()
	}
	l.dimensions.give(l.bytes)
}

func releaseAll(arrays []arrow.Array) {
	for _, a := range arrays {
		a.Release()
	}
}

func (l *loading) partition(ctx context.Context, state stateRef, partition int) (err error) {
	rows, err := l.rowsOf(ctx, l.source(l.join.Source), state, partition, l.join.Where)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for {
		record, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := l.add(record); err != nil {
			return err
		}
	}
}

// add takes over a batch.
func (l *loading) add(record arrow.RecordBatch) error {
	defer record.Release()
	size := batch.Bytes(record) + rowCost*record.NumRows()
	if others, ok := l.dimensions.take(size); !ok {
		return fmt.Errorf("source %s is too large to be held in memory for a join on %s: it takes %d MB or more beside %d MB of other joins, and all together may take %d MB, half of `memory`: raise it, or join the source on offer.id by its key",
			l.join.Source, l.join.On.Text(), (l.bytes+size)/1e6, (others-l.bytes)/1e6, l.dimensions.budget/1e6)
	}
	l.bytes += size
	texts, err := l.lookedUpBy(record)
	if err != nil {
		return err
	}
	l.texts = append(l.texts, texts)
	l.keep(record)
	return l.addRows(record, texts)
}

// keep retains the declared columns of a batch.
func (l *loading) keep(record arrow.RecordBatch) {
	columns := record.Columns()[index(record.Schema(), rowColumn)+1:]
	if l.columns == nil {
		l.columns = make([][]arrow.Array, len(columns))
	}
	for i, column := range columns {
		column.Retain()
		l.columns[i] = append(l.columns[i], column)
	}
}

func (l *loading) addRows(record arrow.RecordBatch, texts *array.String) (err error) {
	file := record.Column(index(record.Schema(), fileColumn)).(*array.Int32)
	row := record.Column(index(record.Schema(), rowColumn)).(*array.Int64)
	it := predicate.Vars{It: predicate.Row{Batch: predicate.NewBatch(record)}}
	for i := range texts.Len() {
		if texts.IsNull(i) {
			continue
		}
		d := dimensionRow{
			ref:  batch.Ref{Batch: int32(len(l.texts) - 1), Row: int32(i)},
			text: texts.Value(i), file: file.Value(i), row: row.Value(i),
		}
		it.It.Index = i
		if d.order, err = orderOf(l.join.Order, &it); err != nil {
			return err
		}
		l.rows = append(l.rows, d)
	}
	return nil
}

// lookedUpBy is what the rows are looked up by: their key, or the column `by`
// names.
func (l *loading) lookedUpBy(record arrow.RecordBatch) (*array.String, error) {
	by := keyColumn
	if l.join.By != "" {
		by = l.join.By
	}
	return keyTexts(l.mem, record.Column(index(record.Schema(), by)))
}

// keyTexts returns texts, or ints as their decimal text. The caller releases it.
func keyTexts(mem memory.Allocator, column arrow.Array) (*array.String, error) {
	switch column := column.(type) {
	case *array.String:
		column.Retain()
		return column, nil
	case *array.Int64:
		b := array.NewStringBuilder(mem)
		defer b.Release()
		for i := range column.Len() {
			if column.IsNull(i) {
				b.AppendNull()
				continue
			}
			b.Append(strconv.FormatInt(column.Value(i), 10))
		}
		return b.NewArray().(*array.String), nil
	default:
		return nil, fmt.Errorf("a join needs a string or an int, not %s", column.DataType())
	}
}

func orderOf(order []workspace.Order, it *predicate.Vars) ([]any, error) {
	if len(order) == 0 {
		return nil, nil
	}
	values := make([]any, len(order))
	for i, o := range order {
		v, err := o.Expr.Eval(it)
		if err != nil {
			return nil, fmt.Errorf("order %s: %w", o.Expr.Text(), err)
		}
		values[i] = v
	}
	return values, nil
}

// sort orders the rows by text, then as the join says, then as they stood in
// the files.
func (l *loading) sort() {
	slices.SortFunc(l.rows, func(a, b dimensionRow) int {
		if c := cmp.Compare(a.text, b.text); c != 0 {
			return c
		}
		return cmp.Or(l.compare(a, b), cmp.Compare(a.file, b.file), cmp.Compare(a.row, b.row))
	})
}

// compare orders two rows as the join says.
func (l *loading) compare(a, b dimensionRow) int {
	for i, o := range l.join.Order {
		if c := compareValues(a.order[i], b.order[i], o.Desc); c != 0 {
			return c
		}
	}
	return 0
}

// ranks returns the place of each row in the join's order, whatever the row is
// looked up by; rows that are equal there have the same.
func (l *loading) ranks() []int32 {
	rows := make([]int32, len(l.rows))
	for i := range rows {
		rows[i] = int32(i)
	}
	slices.SortFunc(rows, func(a, b int32) int { return l.compare(l.rows[a], l.rows[b]) })
	ranks := make([]int32, len(rows))
	for i, row := range rows {
		if i > 0 {
			ranks[row] = ranks[rows[i-1]]
			if l.compare(l.rows[rows[i-1]], l.rows[row]) != 0 {
				ranks[row]++
			}
		}
	}
	return ranks
}

// compareValues orders two values of one expression; nulls are last both ways.
func compareValues(a, b any, desc bool) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	case desc:
		return compareKnown(b, a)
	default:
		return compareKnown(a, b)
	}
}

func compareKnown(a, b any) int {
	switch a := a.(type) {
	case string:
		return cmp.Compare(a, b.(string))
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case time.Time:
		return a.Compare(b.(time.Time))
	case time.Duration:
		return cmp.Compare(a, b.(time.Duration))
	case bool:
		return cmp.Compare(truth(a), truth(b.(bool)))
	default:
		panic(fmt.Sprintf("aggregate: order by a value of type %T", a))
	}
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// build gathers the ordered rows, so that those of one key are neighbours. It
// gathers column by column and lets go of what was read of each, so that at no
// time all columns are there twice.
func (l *loading) build() *dimension {
	d := &dimension{join: l.join, spans: make(map[string]span, len(l.rows)), bytes: rowCost * int64(len(l.rows))}
	refs := make([]batch.Ref, len(l.rows))
	for i, row := range l.rows {
		refs[i] = row.ref
		s, known := d.spans[row.text]
		if !known {
			s.from = int32(i)
			row.text = string([]byte(row.text))
		}
		s.to = int32(i) + 1
		d.spans[row.text] = s
	}
	chunks := slices.Collect(slices.Chunk(refs, batch.Rows))
	members := make([][]arrow.Array, len(chunks))
	for c, column := range l.columns {
		for i, chunk := range chunks {
			members[i] = append(members[i], batch.Gather(l.mem, column[0].DataType(), column, chunk))
		}
		releaseAll(column)
		l.columns[c] = nil
	}
	fields := l.source(l.join.Source).Columns().Arrow()
	for i, chunk := range chunks {
		record := array.NewRecordBatch(fields, members[i], int64(len(chunk)))
		d.structs = append(d.structs, array.RecordToStructArray(record))
		d.bytes += batch.Bytes(record)
		record.Release()
		releaseAll(members[i])
	}
	return d
}

// declared wraps the declared columns of a state's batch as one struct array.
// The caller releases it.
func declared(record arrow.RecordBatch) arrow.Array {
	from := index(record.Schema(), rowColumn) + 1
	fields := record.Schema().Fields()[from:]
	children := make([]arrow.ArrayData, len(fields))
	for i := range fields {
		children[i] = record.Column(from + i).Data()
	}
	data := array.NewData(arrow.StructOf(fields...), int(record.NumRows()), []*memory.Buffer{nil}, children, 0, 0)
	defer data.Release()
	return array.NewStructData(data)
}
