package diff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/stream"
)

const (
	sendAtOnce     = 4    // partitions of a change set that are sent side by side
	recordsAtATime = 4096 // that are sent, and acknowledged, at once
)

// deliver sends what is pending of a run that is current, and then moves the
// states. What was acknowledged is noted partition by partition, so that a run
// that dies is gone on with; what was not is sent again, with the same ids.
func (r *run) deliver(ctx context.Context, run string, feeds map[string]entry) error {
	var producer stream.Producer
	for _, name := range slices.Sorted(maps.Keys(feeds)) {
		e := feeds[name]
		if e.Pending == nil {
			continue
		}
		if r.Producer != nil && producer == nil {
			var err error
			if producer, err = r.Producer(ctx); err != nil {
				return fmt.Errorf("send the events of run %s: %w", run, err)
			}
			defer producer.Close()
		}
		if producer != nil {
			r.Log("phase send", "run", run, "feed", name, "events", e.Pending.Events)
			if err := r.send(ctx, producer, run, name, *e.Pending); err != nil {
				return fmt.Errorf("send the events of feed %s of run %s: %w", name, e.Pending.Run, err)
			}
		}
		if err := r.move(ctx, run, name, e); err != nil {
			return err
		}
	}
	return nil
}

// progressName is where it is noted that a partition was sent.
func progressName(run, feed string, partition int) string {
	return fmt.Sprintf("%s/%s/progress/%s/%05d", event.Kind, run, feed, partition)
}

// send sends the partitions of a change set that are not noted as sent.
func (r *run) send(ctx context.Context, producer stream.Producer, run, feed string, p pending) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sendAtOnce)
	for _, partition := range p.partitions() {
		group.Go(func() error {
			name := progressName(run, feed, partition)
			if _, err := storage.ReadAll(ctx, r.Store, name); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			n, err := r.sendPartition(ctx, producer, feed, p, partition)
			if err != nil {
				return err
			}
			return storage.WriteAll(ctx, r.Store, name, storage.Replace, fmt.Appendf(nil, "{\"events\": %d}\n", n))
		})
	}
	return group.Wait()
}

func (r *run) sendPartition(ctx context.Context, producer stream.Producer, feed string, p pending, partition int) (n int64, err error) {
	events, err := p.open(ctx, r.Store, feed, partition)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, events.close()) }()
	var records []stream.Record
	told := int64(0)
	flush := func() error {
		if len(records) == 0 {
			return nil
		}
		if err := producer.Send(ctx, records); err != nil {
			return err
		}
		atomic.AddInt64(&r.report.Sent, told)
		n, told, records = n+told, 0, records[:0]
		return nil
	}
	for {
		e, err := events.next()
		if errors.Is(err, io.EOF) {
			return n, flush()
		}
		if err != nil {
			return n, err
		}
		records, told = append(records, e.Records(r.compact())...), told+1
		if len(records) >= recordsAtATime {
			if err := flush(); err != nil {
				return n, err
			}
		}
	}
}

func (r *run) compact() bool { return r.Workspace.Kafka != nil && r.Workspace.Kafka.Compact }

// move writes the state that the destinations have now, and commits it. It is the same
// whoever finishes the sending, and when.
func (r *run) move(ctx context.Context, run, feed string, e entry) error {
	at, ok := manifest.RunTime(run)
	if !ok {
		return fmt.Errorf("run %s: its id says no time", run)
	}
	args := applyArgs{Feed: feed, State: e.State, Pending: *e.Pending, At: at}
	data, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("encode the arguments of tasks: %w", err)
	}
	made := make([]applied, e.Pending.Partitions)
	if err := r.runPhase(ctx, applyPhase, run, len(made), taskMemory, data); err != nil {
		return err
	}
	err = storage.Each(ctx, len(made), func(ctx context.Context, i int) error {
		return r.worker.load(ctx, tmpName(run, applyPhase+"/"+feed, i), &made[i])
	})
	if err != nil {
		return err
	}
	s, m := state{Fields: e.Pending.Fields, Audience: e.Pending.Audience}, manifest.Manifest{Run: feed, Stage: stage, Status: manifest.Done, Started: args.At, Finished: args.At, Base: r.base.N}
	for _, one := range made {
		s.Rows += one.Rows
		if s.Oldest.IsZero() || !one.Oldest.IsZero() && one.Oldest.Before(s.Oldest) {
			s.Oldest = one.Oldest
		}
		m.Objects = append(m.Objects, one.Object)
	}
	if m.Detail, err = json.Marshal(s); err != nil {
		return fmt.Errorf("encode the state of event feed %s: %w", feed, err)
	}
	return manifest.Commit(ctx, r.Store, stateKind(run), &m)
}
