package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"

	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/snapshot"
	"github.com/feedmill/feedmill/internal/storage"
)

const columnsText = `
Columns lists what predicates, fields and templates may use: the columns of an
offer with their types, and from the current snapshot the share of offers in
which each is null, and samples of its values. Without a snapshot only the types
are known.

Of a large snapshot as many partitions are read as hold 100,000 offers; which
offers are in a partition is random.`

// columnsRows is how many offers are enough to know the share of nulls.
const columnsRows = 100_000

const columnSamples = 3

type columnsOptions struct{}

func newColumnsCommand(a *app) *cobra.Command {
	var opts columnsOptions
	return &cobra.Command{
		Use:     "columns",
		Short:   "List the offer's columns",
		Long:    exits(columnsText, exitDone, exitError, exitUsage, exitInvalid, exitInterrupted),
		Example: "  feedmill columns",
		Args:    arguments(),
		RunE:    runner(a, &opts, runColumns),
	}
}

// A columnList is the answer of columns.
type columnList struct {
	Snapshot string         `json:"snapshot,omitempty"` // empty: there is none
	Read     int64          `json:"read"`               // offers that shares and samples come from
	Columns  []*columnFacts `json:"columns"`
}

type columnFacts struct {
	Name    string            `json:"name"`
	Type    string            `json:"type"`
	Nulls   *float64          `json:"nulls,omitempty"` // share of the offers read
	Samples []json.RawMessage `json:"samples,omitempty"`
	known   bool              // the snapshot has the column
	nulls   int64
	seen    []string
}

func runColumns(ctx context.Context, a *app, _ *columnsOptions, _ []string) error {
	w, store, err := a.openWorkspace()
	if err != nil {
		return err
	}
	list := newColumnList(w.Schema)
	if err := list.readCurrent(ctx, store); err != nil {
		return err
	}
	return a.show(list, list.print)
}

func newColumnList(schema offer.Schema) *columnList {
	list := &columnList{Columns: make([]*columnFacts, len(schema))}
	for i, f := range schema {
		list.Columns[i] = &columnFacts{Name: f.Name, Type: f.Type.String()}
	}
	return list
}

// readCurrent looks at the current snapshot, if there is one. A column that it
// lacks or has in another type stays without facts.
func (l *columnList) readCurrent(ctx context.Context, store storage.Store) error {
	current, err := manifest.Current(ctx, store, snapshot.Prefix)
	if err != nil || current.Run == "" {
		return err
	}
	s, err := snapshot.Open(ctx, store, current.Run)
	if err != nil {
		return err
	}
	l.Snapshot = current.Run
	wanted := l.choose(s.Schema())
	for p := 0; p < s.Partitions() && l.Read < columnsRows && len(wanted) > 0; p++ {
		if err := l.readPartition(ctx, s, p, wanted); err != nil {
			return err
		}
	}
	l.share()
	return nil
}

// choose returns the columns that the snapshot has as well.
func (l *columnList) choose(schema offer.Schema) []string {
	var names []string
	for _, c := range l.Columns {
		i := schema.Index(c.Name)
		if c.known = i >= 0 && schema[i].Type.String() == c.Type; c.known {
			names = append(names, c.Name)
		}
	}
	return names
}

func (l *columnList) readPartition(ctx context.Context, s *snapshot.Snapshot, partition int, columns []string) error {
	return s.Each(ctx, partition, columns, func(batch arrow.RecordBatch, _ int64) error {
		l.look(batch)
		return nil
	})
}

func (l *columnList) look(batch arrow.RecordBatch) {
	l.Read += batch.NumRows()
	for _, c := range l.Columns {
		if i := batch.Schema().FieldIndices(c.Name); len(i) == 1 {
			c.look(batch.Column(i[0]))
		}
	}
}

func (c *columnFacts) look(values arrow.Array) {
	c.nulls += int64(values.NullN())
	for i := 0; i < values.Len() && len(c.Samples) < columnSamples; i++ {
		if values.IsNull(i) {
			continue
		}
		value := appendValue(nil, values, i)
		if text := valueText(value); !slices.Contains(c.seen, text) {
			c.seen = append(c.seen, text)
			c.Samples = append(c.Samples, value)
		}
	}
}

func (l *columnList) share() {
	for _, c := range l.Columns {
		if c.known && l.Read > 0 {
			share := float64(c.nulls) / float64(l.Read)
			c.Nulls = &share
		}
	}
}

func (l *columnList) print(w io.Writer) error {
	t := table{head: []string{"column", "type", "null", "samples"}}
	for _, c := range l.Columns {
		nulls := ""
		if c.Nulls != nil {
			nulls = percent(*c.Nulls)
		}
		samples := ""
		for i, text := range c.seen {
			if i > 0 {
				samples += "  "
			}
			samples += shorten(text, 32)
		}
		t.add(c.Name, c.Type, nulls, samples)
	}
	if err := t.write(w); err != nil {
		return err
	}
	if l.Snapshot == "" {
		_, err := fmt.Fprintln(w, "there is no snapshot yet: feedmill aggregate makes one")
		return err
	}
	_, err := fmt.Fprintf(w, "from %s of snapshot %s\n", plural(l.Read, "offer"), l.Snapshot)
	return err
}

func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }
