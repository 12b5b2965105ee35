package choose

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/section"
	"github.com/feedmill/feedmill/internal/storage"
)

// A Job is a plan carried out on a snapshot.
type Job struct {
	Plan       *Plan
	Store      storage.Store
	Partitions int       // of the snapshot, a power of two
	At         time.Time // what `now` is

	// Scan calls do with the batches of a partition, which have the columns that
	// some expressions read and the key, and the number of rows before each.
	Scan func(ctx context.Context, partition int, read []*predicate.Expr, do func(batch arrow.RecordBatch, first int64) error) error
	// Candidates and Winners name what the tasks of the phases leave.
	Candidates, Winners func(number int) string
}

// rankingsAtOnce is how many rankings one scan of a partition serves. It bounds
// the memory for candidates; most workspaces have fewer.
const rankingsAtOnce = 4

// mostSlices bounds the slices of groups: each of them reads what every partition
// left for it. More would be smaller, and take more reads.
const mostSlices = 256

// Slices is into how many slices the groups are divided: the tasks of the second phase.
func (j *Job) Slices() int { return min(j.Partitions, mostSlices) }

// FindCandidates finds the best of every group within a partition. Its object has
// a section for each slice of groups and ranking, and one of failures.
func (j *Job) FindCandidates(ctx context.Context, partition int) error {
	sections := make([][]byte, j.candidateSections())
	failures := make([][]Failure, len(j.Plan.choices))
	done := 0
	for rankings := range slices.Chunk(j.Plan.rankings, rankingsAtOnce) {
		r, err := j.rank(ctx, partition, rankings)
		if err != nil {
			return err
		}
		for _, t := range r.contests {
			for slice, data := range t.sections(j.Slices()) {
				sections[slice*len(j.Plan.rankings)+done] = data
			}
			done++
		}
		for number, of := range r.failures {
			failures[number] = of
		}
	}
	said, err := json.Marshal(failures)
	if err != nil {
		return fmt.Errorf("encode failures: %w", err)
	}
	sections[len(sections)-1] = said
	return section.Write(ctx, j.Store, j.Candidates(partition), sections)
}

// A ranker enters the offers of a partition into contests.
type ranker struct {
	at       time.Time
	contests []*contest
	program  *eval.Program
	place    map[*Choice]int   // of its predicate in the program
	choices  []int             // scratch
	failures map[int][]Failure // by number of the choice
}

func (j *Job) rank(ctx context.Context, partition int, rankings []*ranking) (*ranker, error) {
	r := &ranker{at: j.At, place: map[*Choice]int{}, failures: map[int][]Failure{}}
	var predicates []*predicate.Expr
	places := map[string]int{}
	for _, ranking := range rankings {
		r.contests = append(r.contests, newContest(ranking))
		for _, c := range ranking.choices {
			at, found := places[c.predicate.Meaning()]
			if !found {
				at = len(predicates)
				places[c.predicate.Meaning()], predicates = at, append(predicates, c.predicate)
			}
			r.place[c] = at
		}
	}
	r.program = eval.Compile(predicates)
	return r, j.Scan(ctx, partition, expressions(rankings), r.batch)
}

func (r *ranker) batch(batch arrow.RecordBatch, first int64) error {
	selected := r.program.Run(batch, r.at).Selected
	ids := batch.Column(batch.Schema().FieldIndices(offer.Key)[0]).(*array.String)
	for _, t := range r.contests {
		of := make([]bitmap.Bitmap, len(t.ranking.choices))
		for i, c := range t.ranking.choices {
			of[i] = selected[r.place[c]]
		}
		rows := bitmap.Union(of, int(batch.NumRows()))
		keys := t.ranking.compute(batch, rows, r.at, func(key, row int, err error) {
			r.choices = bitmap.Holders(r.choices[:0], of, row)
			for _, i := range r.choices {
				n := t.ranking.choices[i].Number
				r.failures[n] = count(r.failures[n], Failure{Key: t.ranking.nameOf(key), Offers: 1, Offer: strings.Clone(ids.Value(row)), Reason: err.Error()})
			}
		})
		for i, row := range rows {
			group, order, err := t.ranking.rank(keys[i], ids.Value(row))
			if err != nil {
				return fmt.Errorf("offer %s: %w", ids.Value(row), err)
			}
			r.choices = bitmap.Holders(r.choices[:0], of, row)
			t.enter(string(group), &candidate{order: string(order), row: first + int64(row)}, r.choices)
		}
	}
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

// FindWinners finds the best of every group of a slice, over all partitions. Its
// object has a section for each partition and choice: the rows that won, as the
// difference to the row before.
func (j *Job) FindWinners(ctx context.Context, slice int) error {
	rankings := len(j.Plan.rankings)
	candidates := make([][][]byte, j.Partitions) // by partition and ranking
	err := storage.Each(ctx, j.Partitions, func(ctx context.Context, i int) (err error) {
		candidates[i], err = section.Read(ctx, j.Store, j.Candidates(i), j.candidateSections(), slice*rankings, (slice+1)*rankings)
		return err
	})
	if err != nil {
		return err
	}
	sections := make([][]byte, j.winnerSections())
	for i, ranking := range j.Plan.rankings {
		t := newContest(ranking)
		for partition := range j.Partitions {
			if err := t.enterAll(candidates[partition][i], partition); err != nil {
				return fmt.Errorf("read %s: %w", j.Candidates(partition), err)
			}
			candidates[partition][i] = nil
		}
		t.rows(sections, len(j.Plan.choices))
	}
	return section.Write(ctx, j.Store, j.Winners(slice), sections)
}

// candidateSections and winnerSections are how many sections the objects of the tasks
// of a phase have.
func (j *Job) candidateSections() int { return j.Slices()*len(j.Plan.rankings) + 1 }
func (j *Job) winnerSections() int    { return j.Partitions * len(j.Plan.choices) }

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

// rows appends the rows that won to the sections of their partitions and choices.
func (t *contest) rows(sections [][]byte, choices int) {
	won := map[int][]int64{} // by section
	for group := range t.groups {
		for _, w := range t.winners(group) {
			for _, choice := range w.choices {
				at := w.part*choices + t.ranking.choices[choice].Number
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

// Rows are a set of rows of a partition.
type Rows []uint64

func (s *Rows) add(row int64) {
	if word := int(row >> 6); word >= len(*s) {
		*s = append(*s, make([]uint64, word+1-len(*s))...)
	}
	(*s)[row>>6] |= 1 << (row & 63)
}

// Has reports whether a row is in the set.
func (s Rows) Has(row int64) bool {
	return row>>6 < int64(len(s)) && s[row>>6]&(1<<(row&63)) != 0
}

// Of returns those of some rows of a batch that are in the set; first is the number
// of rows before the batch.
func (s Rows) Of(rows bitmap.Bitmap, first int64) bitmap.Bitmap {
	out := bitmap.New(rows.Len())
	for row := range rows.All() {
		if s.Has(first + int64(row)) {
			out.Set(row)
		}
	}
	return out
}

// Digest is equal for equal sets.
func (s Rows) Digest() [16]byte {
	var data []byte
	for _, word := range s {
		data = binary.LittleEndian.AppendUint64(data, word)
	}
	return xxh3.Hash128(data).Bytes()
}

// Won returns the rows of a partition that won, by the numbers of choices.
func (j *Job) Won(ctx context.Context, partition int) ([]Rows, error) {
	if j.Plan.Empty() {
		return nil, nil
	}
	choices := len(j.Plan.choices)
	read := make([][][]byte, j.Slices()) // by slice and choice
	err := storage.Each(ctx, len(read), func(ctx context.Context, slice int) (err error) {
		read[slice], err = section.Read(ctx, j.Store, j.Winners(slice), j.winnerSections(), partition*choices, (partition+1)*choices)
		return err
	})
	if err != nil {
		return nil, err
	}
	won := make([]Rows, choices)
	for slice, sections := range read {
		for i, data := range sections {
			if err := won[i].addAll(data); err != nil {
				return nil, fmt.Errorf("read %s: %w", j.Winners(slice), err)
			}
		}
	}
	return won, nil
}

// addAll adds the rows of a section.
func (s *Rows) addAll(data []byte) error {
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
