package generate

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// rankingsAtOnce is how many rankings one scan of a partition serves. It bounds
// the memory for candidates; most workspaces have fewer.
const rankingsAtOnce = 4

// candidates finds the best of every group within a partition. Its object has a
// section for each ranking and slice of groups.
func (j *job) candidates(ctx context.Context, task engine.Task) error {
	var sections [][]byte
	for rankings := range slices.Chunk(j.plan.rankings, rankingsAtOnce) {
		r, err := j.rank(ctx, task.Partition, rankings)
		if err != nil {
			return err
		}
		for _, t := range r.contests {
			sections = append(sections, t.sections(j.snapshot.Partitions())...)
		}
	}
	return writeSections(ctx, j.store, tmpName(task.Run, task.Phase, task.Partition), sections)
}

// A ranker enters the offers of a partition into contests.
type ranker struct {
	*job
	contests []*contest
	program  *eval.Program
	place    map[int]int // in the program, by predicate of the plan
	choices  []int       // scratch
}

func (j *job) rank(ctx context.Context, partition int, rankings []*ranking) (*ranker, error) {
	r := &ranker{job: j, place: map[int]int{}}
	var predicates []*predicate.Expr
	for _, ranking := range rankings {
		r.contests = append(r.contests, newContest(ranking))
		for _, c := range ranking.choices {
			if _, found := r.place[c.predicate]; !found {
				r.place[c.predicate] = len(predicates)
				predicates = append(predicates, j.plan.predicates[c.predicate])
			}
		}
	}
	r.program = eval.Compile(predicates)
	return r, j.scan(ctx, partition, j.plan.rankingColumns(rankings), r.batch)
}

func (r *ranker) batch(batch arrow.RecordBatch, first int64) error {
	selected := r.program.Run(batch, r.At).Selected
	vars := &predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}, Now: r.At}
	ids := batch.Column(batch.Schema().FieldIndices(offer.Key)[0]).(*array.String)
	for _, t := range r.contests {
		of := make([]bitmap.Bitmap, len(t.ranking.choices))
		for i, c := range t.ranking.choices {
			of[i] = selected[r.place[c.predicate]]
		}
		for _, row := range union(of, int(batch.NumRows())) {
			vars.Offer.Index = row
			if err := r.enter(t, vars, ids.Value(row), first, of); err != nil {
				return fmt.Errorf("offer %s: %w", ids.Value(row), err)
			}
		}
	}
	return nil
}

// enter enters one offer for the choices whose predicate selects it.
func (r *ranker) enter(t *contest, vars *predicate.Vars, id string, first int64, of []bitmap.Bitmap) error {
	group, order, err := t.ranking.rank(vars, id)
	if err != nil {
		return err
	}
	r.choices = membership(r.choices[:0], of, vars.Offer.Index)
	t.enter(string(group), &candidate{order: string(order), row: first + int64(vars.Offer.Index)}, r.choices)
	return nil
}

// sections encodes the winners of a partition, by slice of groups: of each its
// group, order, row, and the number of its choices and each of them.
func (t *contest) sections(slices int) [][]byte {
	out := make([][]byte, slices)
	for _, group := range sortedKeys(t.groups) {
		at := groupSlice(group, slices)
		for _, w := range t.winners(group) {
			out[at] = w.append(out[at], group)
		}
	}
	return out
}

func (w winner) append(dst []byte, group string) []byte {
	for _, s := range []string{group, w.order} {
		dst = append(binary.AppendUvarint(dst, uint64(len(s))), s...)
	}
	dst = binary.AppendUvarint(dst, uint64(w.row))
	dst = binary.AppendUvarint(dst, uint64(len(w.choices)))
	for _, choice := range w.choices {
		dst = binary.AppendUvarint(dst, uint64(choice))
	}
	return dst
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// winners finds the best of every group of a slice, over all partitions. Its
// object has a section for each choice and partition: the rows that won, as the
// difference to the row before.
func (j *job) winners(ctx context.Context, task engine.Task) error {
	parts := j.snapshot.Partitions()
	sections := make([][]byte, len(j.plan.choices)*parts)
	for i, ranking := range j.plan.rankings {
		t := newContest(ranking)
		for part := range parts {
			name := tmpName(task.Run, candidatesPhase, part)
			data, err := readSections(ctx, j.store, name, len(j.plan.rankings)*parts, []int{i*parts + task.Partition})
			if err != nil {
				return err
			}
			if err := t.enterAll(data[0], part); err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
		}
		t.rows(sections, parts)
	}
	return writeSections(ctx, j.store, tmpName(task.Run, task.Phase, task.Partition), sections)
}

// enterAll enters what sections encoded.
func (t *contest) enterAll(data []byte, part int) error {
	d := decoder{data: data}
	for len(d.data) > 0 {
		group := d.text()
		c := &candidate{order: d.text(), part: part, row: int64(d.number())}
		choices := make([]int, 0, 1)
		for range min(d.number(), uint64(len(t.ranking.choices))) {
			choices = append(choices, int(d.number()))
		}
		if d.cut || slices.ContainsFunc(choices, func(i int) bool { return i >= len(t.ranking.choices) }) {
			return fmt.Errorf("a candidate is cut off")
		}
		t.enter(group, c, choices)
	}
	return nil
}

// A decoder reads a section; cut says that it ended too early.
type decoder struct {
	data []byte
	cut  bool
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.data)
	if size <= 0 {
		d.cut, d.data = true, nil
		return 0
	}
	d.data = d.data[size:]
	return n
}

func (d *decoder) text() string {
	n := d.number()
	if n > uint64(len(d.data)) {
		d.cut, d.data = true, nil
		return ""
	}
	s := string(d.data[:n])
	d.data = d.data[n:]
	return s
}

// rows appends the rows that won to the sections of their choices and
// partitions.
func (t *contest) rows(sections [][]byte, parts int) {
	won := map[int][]int64{} // by section
	for group := range t.groups {
		for _, w := range t.winners(group) {
			for _, choice := range w.choices {
				at := t.ranking.choices[choice].number*parts + w.part
				won[at] = append(won[at], w.row)
			}
		}
	}
	for at, rows := range won {
		slices.Sort(rows)
		last := int64(0)
		for _, row := range rows {
			sections[at] = binary.AppendUvarint(sections[at], uint64(row-last))
			last = row
		}
	}
}

// A rowSet is a set of rows of a partition.
type rowSet []uint64

func (s *rowSet) add(row int64) {
	if word := int(row >> 6); word >= len(*s) {
		*s = append(*s, make([]uint64, word+1-len(*s))...)
	}
	(*s)[row>>6] |= 1 << (row & 63)
}

func (s rowSet) has(row int64) bool {
	return row>>6 < int64(len(s)) && s[row>>6]&(1<<(row&63)) != 0
}

// readWinners returns the rows of a partition that won, by choice.
func (j *job) readWinners(ctx context.Context, run string, partition int) ([]rowSet, error) {
	parts, choices := j.snapshot.Partitions(), len(j.plan.choices)
	won := make([]rowSet, choices)
	wanted := make([]int, choices)
	for i := range wanted {
		wanted[i] = i*parts + partition
	}
	if choices == 0 {
		return won, nil
	}
	for slice := range parts {
		name := tmpName(run, winnersPhase, slice)
		sections, err := readSections(ctx, j.store, name, choices*parts, wanted)
		if err != nil {
			return nil, err
		}
		for i, data := range sections {
			if err := won[i].addAll(data); err != nil {
				return nil, fmt.Errorf("read %s: %w", name, err)
			}
		}
	}
	return won, nil
}

// digest is equal for equal sets.
func (s rowSet) digest() [16]byte {
	var data []byte
	for _, word := range s {
		data = binary.LittleEndian.AppendUint64(data, word)
	}
	return xxh3.Hash128(data).Bytes()
}

// addAll adds the rows of a section.
func (s *rowSet) addAll(data []byte) error {
	d := decoder{data: data}
	for row := int64(0); len(d.data) > 0; s.add(row) {
		row += int64(d.number())
		if d.cut || row < 0 || row >= maxRows {
			return fmt.Errorf("a row is cut off")
		}
	}
	return nil
}

// maxRows is more than a partition can have.
const maxRows = 1 << 31
