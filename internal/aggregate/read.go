package aggregate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/batch"
	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/source"
)

// readArgs name the files that a task of the read phase turns into sorted runs.
type readArgs struct {
	Source string       `json:"source"`
	Files  []rankedFile `json:"files"`
}

// A rankedFile is a file with its rank among all files of the state to be.
type rankedFile struct {
	source.File
	Rank int32 `json:"rank"`
}

// A readResult is what a task of the read phase found.
type readResult struct {
	Source     string                     `json:"source"`
	Runs       []sortedRun                `json:"runs"`
	Read       int64                      `json:"read"`
	Rejected   int64                      `json:"rejected"`
	Duplicates int64                      `json:"duplicates"`
	Duplicate  string                     `json:"duplicate,omitempty"` // a key that repeats
	Reject     string                     `json:"reject,omitempty"`    // the first rejected row, with its reason
	Greatest   map[int32]time.Time        `json:"greatest,omitempty"`  // order as a time, by rank, where late needs it
	Seen       map[string][]source.Fields `json:"seen,omitempty"`      // by version, of each file
}

// A reading is a task of the read phase at work.
type reading struct {
	*worker
	task    engine.Task
	source  *source.Source
	layout  *layout
	sorter  *batch.Sorter
	rejects *rejectWriter
	result  readResult
	version map[int32]string // of a file's delivery, by rank
}

// read turns files into sorted runs of rows in the source's columns.
func (w *worker) read(ctx context.Context, task engine.Task) error {
	var args readArgs
	if err := json.Unmarshal(task.Args, &args); err != nil {
		return fmt.Errorf("arguments of a read task: %w", err)
	}
	src := w.source(args.Source)
	r := &reading{
		worker: w, task: task, source: src,
		layout:  newLayout(withFile(src.Schema()), src.Def.IsLog()),
		sorter:  batch.NewSorter(0),
		rejects: newRejectWriter(w.store, task.Run, args.Source, task.Partition),
		result:  readResult{Source: args.Source, Seen: map[string][]source.Fields{}},
		version: map[int32]string{},
	}
	for _, f := range args.Files {
		r.version[f.Rank] = f.Version
	}
	defer r.sorter.Reset()
	if err := r.files(ctx, args.Files); err != nil {
		return errors.Join(err, r.rejects.abort())
	}
	if err := r.rejects.commit(); err != nil {
		return err
	}
	return w.record(ctx, task, args.Source, r.result)
}

func (r *reading) files(ctx context.Context, files []rankedFile) error {
	for _, f := range files {
		if err := r.file(ctx, f); err != nil {
			return fmt.Errorf("source %s: %w", r.result.Source, err)
		}
	}
	return r.flush(ctx)
}

func (r *reading) file(ctx context.Context, f rankedFile) (err error) {
	store, name, err := r.open(f.URL + f.File.Name)
	if err != nil {
		return err
	}
	scanner, err := r.source.Open(ctx, store, name, f.File, source.ScanOptions{
		Alloc: r.mem, BatchRows: batch.Rows, Reject: func(j source.Reject) { r.reject(ctx, j) },
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scanner.Close()) }()
	for {
		record, err := scanner.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := r.take(ctx, record, f.Rank); err != nil {
			return err
		}
	}
	stats := scanner.Stats()
	r.result.Read += stats.Read
	r.result.Rejected += stats.Rejected
	r.result.Seen[f.Version] = append(r.result.Seen[f.Version], stats.Seen)
	return nil
}

func (r *reading) reject(ctx context.Context, j source.Reject) {
	if r.result.Reject == "" {
		r.result.Reject = describeReject(j)
	}
	r.rejects.write(ctx, j)
}

// take hands a batch to the sorter, with the file's rank beside each row.
func (r *reading) take(ctx context.Context, record arrow.RecordBatch, rank int32) error {
	if r.source.Def.Late > 0 {
		r.noteGreatest(record, rank)
	}
	ranked := r.ranked(record, rank)
	record.Release()
	r.sorter.Add(ranked)
	if r.sorter.Bytes() < r.memory/3 {
		return nil
	}
	return r.flush(ctx)
}

func withFile(schema *arrow.Schema) *arrow.Schema {
	fields := append(schema.Fields(), arrow.Field{Name: fileColumn, Type: arrow.PrimitiveTypes.Int32})
	return arrow.NewSchema(fields, nil)
}

// ranked returns the batch with a column of the file's rank, and with keys of
// its own where the source has none: such rows are kept in the order of their
// files.
func (r *reading) ranked(record arrow.RecordBatch, rank int32) arrow.RecordBatch {
	ranks := array.NewInt32Builder(r.mem)
	defer ranks.Release()
	ranks.Reserve(int(record.NumRows()))
	for range record.NumRows() {
		ranks.UnsafeAppend(rank)
	}
	file := ranks.NewInt32Array()
	defer file.Release()
	columns := append(append([]arrow.Array{}, record.Columns()...), file)
	if r.source.Def.Key.Value == "" {
		columns[0] = placeKeys(r.mem, record.Column(1).(*array.Int64), rank)
		defer columns[0].Release()
	}
	return array.NewRecordBatch(withFile(record.Schema()), columns, record.NumRows())
}

func placeKeys(mem memory.Allocator, rows *array.Int64, rank int32) arrow.Array {
	b := array.NewStringBuilder(mem)
	defer b.Release()
	for i := range rows.Len() {
		b.Append(fmt.Sprintf("%08x%012x", rank, rows.Value(i)))
	}
	return b.NewArray()
}

// noteGreatest remembers the file's latest change.
func (r *reading) noteGreatest(record arrow.RecordBatch, rank int32) {
	if r.result.Greatest == nil {
		r.result.Greatest = map[int32]time.Time{}
	}
	orders := record.Column(index(record.Schema(), orderColumn)).(*array.Binary)
	for i := range orders.Len() {
		if at, ok := source.OrderTime(orders.Value(i)); ok && at.After(r.result.Greatest[rank]) {
			r.result.Greatest[rank] = at
		}
	}
}

// flush writes what is collected as one sorted run.
func (r *reading) flush(ctx context.Context) error {
	if r.sorter.Len() == 0 {
		return nil
	}
	refs := r.sorter.Sort(r.better())
	values := refs
	if r.source.Def.Late > 0 {
		values = r.withoutBeaten(refs)
	} else {
		refs = r.best(refs)
		values = refs
	}
	s := spiller{mem: r.mem, store: r.store, partitions: r.ws.Partitions, layout: r.layout}
	name := fmt.Sprintf("%sruns/%s/%05d-%03d.arrow", manifest.Scratch(stage, r.task.Run), r.result.Source, r.task.Partition, len(r.result.Runs))
	run, err := s.spill(ctx, name, r.sorter, refs, values)
	if err != nil {
		return err
	}
	r.result.Runs = append(r.result.Runs, run)
	r.sorter.Reset()
	return nil
}

// better orders the rows of one key, the one that wins first: the greatest
// order, then the later file, then the later row.
func (r *reading) better() func(a, b batch.Ref) int {
	schema, records := r.sorter.Records()[0].Schema(), r.sorter.Records()
	file, row := index(schema, fileColumn), index(schema, rowColumn)
	later := func(a, b batch.Ref) int {
		x, y := records[a.Batch], records[b.Batch]
		return cmp.Or(
			cmp.Compare(y.Column(file).(*array.Int32).Value(int(b.Row)), x.Column(file).(*array.Int32).Value(int(a.Row))),
			cmp.Compare(y.Column(row).(*array.Int64).Value(int(b.Row)), x.Column(row).(*array.Int64).Value(int(a.Row))),
		)
	}
	if !r.source.Def.IsLog() {
		return later
	}
	order := index(schema, orderColumn)
	return func(a, b batch.Ref) int {
		x := records[a.Batch].Column(order).(*array.Binary).Value(int(a.Row))
		y := records[b.Batch].Column(order).(*array.Binary).Value(int(b.Row))
		if c := bytes.Compare(y, x); c != 0 {
			return c
		}
		return later(a, b)
	}
}

// best keeps the first row of every key.
func (r *reading) best(refs []batch.Ref) []batch.Ref {
	out := refs[:0]
	for _, ref := range refs {
		if n := len(out); n > 0 && r.sameKey(out[n-1], ref) {
			r.result.Duplicates++
			r.result.Duplicate = r.sorter.Key(ref)
			continue
		}
		out = append(out, ref)
	}
	return out
}

// withoutBeaten returns the references with Null for the rows that another row
// of their key and delivery beats: whether a change is late depends on its order
// and its delivery, so these are not the state whatever is late. The rows
// themselves stay, to be counted when they are late, but not their values.
func (r *reading) withoutBeaten(refs []batch.Ref) []batch.Ref {
	delivery, deliveries := r.deliveries()
	end := make([]int, deliveries) // by delivery, behind the last row that none of its key beats
	out, first := slices.Clone(refs), 0
	for i, ref := range refs {
		if !r.sameKey(refs[first], ref) {
			first = i
		}
		d := delivery[ref.Batch]
		if end[d] > first {
			out[i] = batch.Null
			continue
		}
		end[d] = i + 1
	}
	return out
}

// deliveries numbers the deliveries of the collected batches, each of which has
// rows of one file: the number of each batch's, and how many there are.
func (r *reading) deliveries() (of []int, n int) {
	records := r.sorter.Records()
	file := index(records[0].Schema(), fileColumn)
	of = make([]int, len(records))
	numbers := map[string]int{}
	for b, record := range records {
		if record.NumRows() == 0 {
			continue
		}
		version := r.version[record.Column(file).(*array.Int32).Value(0)]
		if _, known := numbers[version]; !known {
			numbers[version] = len(numbers)
		}
		of[b] = numbers[version]
	}
	return of, len(numbers)
}

func (r *reading) sameKey(a, b batch.Ref) bool {
	return r.sorter.Hash(a) == r.sorter.Hash(b) && r.sorter.Key(a) == r.sorter.Key(b)
}
