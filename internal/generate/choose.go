package generate

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// candidates finds the best of every group within a partition. Its object has a
// section for each choice and slice of groups.
func (j *job) candidates(ctx context.Context, task engine.Task) error {
	contests := make([]*contest, len(j.plan.choices))
	for i, c := range j.plan.choices {
		contests[i] = newContest(c.Take)
	}
	program := eval.Compile(j.plan.choicePredicates())
	err := j.scan(ctx, task.Partition, j.plan.columns, func(batch arrow.RecordBatch, first int64) error {
		selected := program.Run(batch, j.At).Selected
		vars := &predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}, Now: j.At}
		ids := batch.Column(batch.Schema().FieldIndices(offer.Key)[0]).(*array.String)
		for i, c := range j.plan.choices {
			for row := range selected[i].All() {
				vars.Offer.Index = row
				entry, err := c.candidate(vars, ids.Value(row))
				if err != nil {
					return fmt.Errorf("offer %s: %w", ids.Value(row), err)
				}
				entry.row = first + int64(row)
				contests[i].enter(entry)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return writeSections(ctx, j.store, tmpName(task.Run, task.Phase, task.Partition), sortCandidates(contests, j.snapshot.Partitions()))
}

func (p *plan) choicePredicates() []*predicate.Expr {
	out := make([]*predicate.Expr, len(p.choices))
	for i, c := range p.choices {
		out[i] = p.predicates[c.predicate]
	}
	return out
}

// sortCandidates returns the sections of all contests, by choice and slice.
func sortCandidates(contests []*contest, parts int) [][]byte {
	sections := make([][]byte, len(contests)*parts)
	for i, t := range contests {
		for _, group := range slices.Sorted(maps.Keys(t.groups)) {
			for _, c := range t.groups[group] {
				at := i*parts + c.slice(parts)
				sections[at] = c.append(sections[at])
			}
		}
	}
	return sections
}

// winners finds the best of every group of a slice, over all partitions. Its
// object has a section for each choice and partition: the rows that won, as the
// difference to the row before.
func (j *job) winners(ctx context.Context, task engine.Task) error {
	parts, choices := j.snapshot.Partitions(), len(j.plan.choices)
	contests := make([]*contest, choices)
	wanted := make([]int, choices)
	for i, c := range j.plan.choices {
		contests[i], wanted[i] = newContest(c.Take), i*parts+task.Partition
	}
	for part := range parts {
		sections, err := readSections(ctx, j.store, tmpName(task.Run, candidatesPhase, part), choices*parts, wanted)
		if err != nil {
			return err
		}
		for i, data := range sections {
			if err := contests[i].enterAll(data, part); err != nil {
				return fmt.Errorf("read the candidates of partition %d: %w", part, err)
			}
		}
	}
	var sections [][]byte
	for _, t := range contests {
		sections = append(sections, t.rows(parts)...)
	}
	return writeSections(ctx, j.store, tmpName(task.Run, task.Phase, task.Partition), sections)
}

func (t *contest) enterAll(data []byte, part int) error {
	for len(data) > 0 {
		c, rest, err := readCandidate(data, part)
		if err != nil {
			return err
		}
		t.enter(c)
		data = rest
	}
	return nil
}

// rows returns the sections of the rows that won, by partition.
func (t *contest) rows(parts int) [][]byte {
	won := make([][]int64, parts)
	for _, group := range t.groups {
		for _, c := range group {
			won[c.part] = append(won[c.part], c.row)
		}
	}
	sections := make([][]byte, parts)
	for part, rows := range won {
		slices.Sort(rows)
		last := int64(0)
		for _, row := range rows {
			sections[part] = binary.AppendUvarint(sections[part], uint64(row-last))
			last = row
		}
	}
	return sections
}

// readWinners returns the rows of a partition that won, by choice.
func (j *job) readWinners(ctx context.Context, run string, partition int) ([]map[int64]bool, error) {
	parts, choices := j.snapshot.Partitions(), len(j.plan.choices)
	won := make([]map[int64]bool, choices)
	wanted := make([]int, choices)
	for i := range won {
		won[i], wanted[i] = map[int64]bool{}, i*parts+partition
	}
	if choices == 0 {
		return won, nil
	}
	for slice := range parts {
		sections, err := readSections(ctx, j.store, tmpName(run, winnersPhase, slice), choices*parts, wanted)
		if err != nil {
			return nil, err
		}
		for i, data := range sections {
			if err := addRows(won[i], data); err != nil {
				return nil, fmt.Errorf("read the winners of slice %d: %w", slice, err)
			}
		}
	}
	return won, nil
}

func addRows(won map[int64]bool, data []byte) error {
	for row := int64(0); len(data) > 0; {
		step, size := binary.Uvarint(data)
		if size <= 0 {
			return fmt.Errorf("a row is cut off")
		}
		row += int64(step)
		won[row] = true
		data = data[size:]
	}
	return nil
}
