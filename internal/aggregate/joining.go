package aggregate

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/feedmill/feedmill/internal/batch"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A joiner adds a joined column to batches of offers.
type joiner interface {
	// column returns the joined column for offers that look up keys. The caller
	// releases it.
	column(keys *lookup) (arrow.Array, error)
	Close() error
}

// joiners opens what the offer's joins need for one partition.
func (w *worker) joiners(ctx context.Context, plan writePlan, partition int) (joiners []joiner, err error) {
	for i := range w.ws.Offer.Joins {
		join := &w.ws.Offer.Joins[i]
		j, err := w.joiner(ctx, join, plan.States[join.Source], partition)
		if err != nil {
			return nil, errors.Join(err, closeJoiners(joiners))
		}
		joiners = append(joiners, j)
	}
	return joiners, nil
}

func closeJoiners(joiners []joiner) (err error) {
	for _, j := range joiners {
		err = errors.Join(err, j.Close())
	}
	return err
}

func (w *worker) joiner(ctx context.Context, join *workspace.Join, state stateRef, partition int) (joiner, error) {
	t := w.source(join.Source).Columns().Struct()
	if isPaired(join) {
		rows, err := w.rowsOf(ctx, w.source(join.Source), state, partition, join.Where)
		if err != nil {
			return nil, fmt.Errorf("join %s: %w", join.Name, err)
		}
		return &paired{mem: w.mem, name: join.Name, rows: rows, t: t.Arrow()}, nil
	}
	d, err := w.dimensions.get(join.Name, func() (*dimension, error) {
		return w.loadDimension(ctx, join, state)
	})
	if err != nil {
		return nil, err
	}
	return &broadcast{mem: w.mem, dimension: d, t: t.Arrow()}, nil
}

// isPaired reports whether a join pairs the key of the offer with that of the
// source: both are sliced and sorted alike, so a partition needs only its twin.
func isPaired(join *workspace.Join) bool {
	path, plain := join.On.Path()
	return plain && len(path) == 2 && path[1] == offer.Key && join.By == "" && !join.Many
}

// broadcast looks rows up in a dimension.
type broadcast struct {
	mem       memory.Allocator
	dimension *dimension
	t         arrow.DataType
}

func (b *broadcast) Close() error { return nil }

func (b *broadcast) column(keys *lookup) (arrow.Array, error) {
	if b.dimension.join.Many {
		return b.lists(keys)
	}
	refs, err := b.dimension.one(keys.texts)
	if err != nil {
		return nil, err
	}
	return batch.Gather(b.mem, b.t, b.dimension.structs, refs), nil
}

func (b *broadcast) lists(keys *lookup) (arrow.Array, error) {
	offsets, refs, err := b.dimension.many(keys)
	if err != nil {
		return nil, err
	}
	values := batch.Gather(b.mem, b.t, b.dimension.structs, refs)
	defer values.Release()
	buffer := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets))
	data := array.NewData(arrow.ListOf(b.t), len(offsets)-1, []*memory.Buffer{nil, buffer}, []arrow.ArrayData{values.Data()}, 0, 0)
	defer data.Release()
	return array.NewListData(data), nil
}

// paired walks over the same partition of the joined source.
type paired struct {
	mem     memory.Allocator
	name    string
	rows    *stateRows
	t       arrow.DataType
	record  arrow.RecordBatch // nil at the end
	keys    batch.Keys
	at      int
	started bool
}

func (p *paired) Close() error {
	if p.record != nil {
		p.record.Release()
		p.record = nil
	}
	return p.rows.Close()
}

func (p *paired) column(wanted *lookup) (arrow.Array, error) {
	keys := wanted.texts
	refs := make([]batch.Ref, keys.Len())
	var structs []arrow.Array
	defer func() {
		for _, s := range structs {
			s.Release()
		}
	}()
	holding := arrow.RecordBatch(nil)
	for i, hash := range batch.KeysOf(keys).Hashes {
		if err := p.seek(hash, keys.Value(i)); err != nil {
			return nil, fmt.Errorf("join %s: %w", p.name, err)
		}
		refs[i] = batch.Null
		if !p.matches(hash, keys.Value(i)) {
			continue
		}
		if holding != p.record {
			holding = p.record
			structs = append(structs, declared(p.record))
		}
		refs[i] = batch.Ref{Batch: int32(len(structs) - 1), Row: int32(p.at)}
	}
	return batch.Gather(p.mem, p.t, structs, refs), nil
}

func (p *paired) matches(hash uint64, key string) bool {
	return p.record != nil && p.keys.Hashes[p.at] == hash && p.keys.Text.Value(p.at) == key
}

// seek moves to the first row that is not before (hash, key).
func (p *paired) seek(hash uint64, key string) error {
	for {
		for p.record != nil && p.at < len(p.keys.Hashes) {
			if h := p.keys.Hashes[p.at]; h > hash || h == hash && p.keys.Text.Value(p.at) >= key {
				return nil
			}
			p.at++
		}
		if p.started && p.record == nil {
			return nil
		}
		if err := p.load(); err != nil {
			return err
		}
	}
}

func (p *paired) load() error {
	if p.record != nil {
		p.record.Release()
		p.record = nil
	}
	p.started = true
	record, err := p.rows.Next()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	p.record, p.keys, p.at = record, batch.KeysOf(record.Column(0)), 0
	return nil
}
