package aggregate

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/feedmill/feedmill/internal/batch"
	"github.com/feedmill/feedmill/internal/manifest"
)

// Each sorted run that is merged takes a descriptor, a buffer, and a batch or
// two. The more a source delivers, the more runs there are, so that a task merges
// them in passes where they are more than these.
const (
	maxRuns  = 64             // at once
	minRuns  = 8              // at once, however little memory there is
	runBytes = 8 * spillBytes // of the memory of a task that there is to be for each
)

// atOnce returns how many sorted runs a task merges at once.
func (w *worker) atOnce() int { return int(min(max(w.memory/runBytes, minRuns), maxRuns)) }

// fewRuns returns the runs that have rows of the partition, merged with their
// neighbours until they are few enough to be merged at once. The rows of a key
// stay in the order of the runs, so that it makes no difference to the state.
func (c *compaction) fewRuns(ctx context.Context) (runs []sortedRun, err error) {
	for _, run := range c.plan.Runs {
		if run.Slices[c.task.Partition].Rows > 0 {
			runs = append(runs, run)
		}
	}
	for pass := 0; len(runs) > c.atOnce(); pass++ {
		groups := neighbours(runs, c.atOnce())
		runs = make([]sortedRun, len(groups))
		for i, group := range groups {
			name := fmt.Sprintf("%smerged/%s/%05d-%d-%03d.arrow", manifest.Scratch(stage, c.task.Run), c.source.Def.Name, c.task.Partition, pass, i)
			if runs[i], err = c.mergeRuns(ctx, name, group); err != nil {
				return nil, err
			}
		}
	}
	return runs, nil
}

// neighbours cuts runs into groups of at most `most`, and into no fewer groups
// than that.
func neighbours(runs []sortedRun, most int) (groups [][]sortedRun) {
	for excess := len(runs) - most; len(runs) > 0; {
		n := min(excess+1, most, len(runs))
		groups, runs = append(groups, runs[:n]), runs[n:]
		excess -= n - 1
	}
	return groups
}

// mergeRuns makes one run of the partition's slices of some.
func (c *compaction) mergeRuns(ctx context.Context, name string, runs []sortedRun) (sortedRun, error) {
	if len(runs) == 1 {
		return runs[0], nil
	}
	return writeRun(ctx, c.store, name, c.ws.Partitions, func(out *counter, slices []slice) (err error) {
		streams, open, err := c.slices(ctx, runs)
		defer func() { err = errors.Join(err, closeAll(open)) }()
		if err != nil {
			return err
		}
		merger, err := batch.NewMerger(0, streams...)
		if err != nil {
			return err
		}
		defer merger.Release()
		rows, err := c.copyRows(ctx, out, merger, c.stepOf(runs))
		slices[c.task.Partition] = slice{Length: out.n, Rows: rows}
		return err
	})
}

// slices opens the partition's slices of runs that have some.
func (c *compaction) slices(ctx context.Context, runs []sortedRun) (streams []batch.Stream, open []io.Closer, err error) {
	for _, run := range runs {
		s, err := openSlice(ctx, c.store, c.mem, run, c.task.Partition)
		if err != nil {
			return nil, open, err
		}
		streams, open = append(streams, s), append(open, s)
	}
	return streams, open, nil
}

func (c *compaction) stepOf(runs []sortedRun) int {
	var bytes, rows int64
	for _, run := range runs {
		bytes += run.Slices[c.task.Partition].Length
		rows += run.Slices[c.task.Partition].Rows
	}
	return stepRows(bytes, rows)
}

// copyRows writes merged rows as an Arrow IPC stream of batches of step rows, and
// returns how many they are.
func (c *compaction) copyRows(ctx context.Context, out io.Writer, merger *batch.Merger, step int) (rows int64, err error) {
	schema := stateSchema(c.source)
	w := ipc.NewWriter(out, ipc.WithSchema(schema), ipc.WithAllocator(c.mem))
	ready := batch.NewCollector(c.mem, schema)
	defer ready.Release()
	write := func() error {
		record := ready.Take()
		defer record.Release()
		rows += record.NumRows()
		return errors.Join(w.Write(record), ctx.Err())
	}
	for {
		group, err := merger.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		for _, row := range c.undecided(group) {
			if ready.Add(row); ready.Len() < step {
				continue
			}
			if err := write(); err != nil {
				return 0, err
			}
		}
	}
	if ready.Len() > 0 {
		if err := write(); err != nil {
			return 0, err
		}
	}
	return rows, w.Close()
}

// undecided returns the rows of a key that have to be there when all are: those
// of a log that another beats are not, unless it may be late.
func (c *compaction) undecided(group []batch.Row) []batch.Row {
	if c.source.Def.IsLog() && len(c.plan.Late) == 0 {
		return append(group[:0], c.contest.winner(group))
	}
	return group
}
