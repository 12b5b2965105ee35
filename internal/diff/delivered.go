package diff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"

	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/storage"
)

// Delivered returns the report of a run with what became of its events since it
// was committed: how many were acknowledged, by this run or a later one, and how
// many are still to be sent. Only the current run can have any left: the next one
// sends them first.
func Delivered(ctx context.Context, store storage.Store, m *manifest.Manifest) (*Report, error) {
	report, d := &Report{}, newDetail()
	if err := json.Unmarshal(m.Report, report); err != nil {
		return nil, fmt.Errorf("decode the report of run %s: %w", m.Run, err)
	}
	if len(m.Detail) > 0 {
		if err := json.Unmarshal(m.Detail, &d); err != nil {
			return nil, fmt.Errorf("decode the manifest of run %s: %w", m.Run, err)
		}
	}
	current, err := manifest.Current(ctx, store, event.Kind)
	if err != nil {
		return nil, err
	}
	report.Sent, report.Unsent = 0, 0
	for feed, e := range d.Feeds {
		if e.Pending == nil {
			continue
		}
		sent, err := noted(ctx, store, m.Run, feed, e.Pending)
		if err != nil {
			return nil, err
		}
		report.Sent += sent
		if current.Run != m.Run {
			continue
		}
		moved, err := (&worker{store: store}).readState(ctx, m.Run, feed)
		if err != nil {
			return nil, err
		}
		if moved == nil {
			report.Unsent += e.Pending.Events - sent
		}
	}
	return report, nil
}

// noted returns how many events of a feed are noted as sent.
func noted(ctx context.Context, store storage.Store, run, feed string, p *pending) (int64, error) {
	var sent atomic.Int64
	partitions := p.partitions()
	err := storage.Each(ctx, len(partitions), func(ctx context.Context, i int) error {
		name := progressName(run, feed, partitions[i])
		data, err := storage.ReadAll(ctx, store, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		var note struct {
			Events int64 `json:"events"`
		}
		if err := json.Unmarshal(data, &note); err != nil {
			return fmt.Errorf("decode %s: %w", name, err)
		}
		sent.Add(note.Events)
		return nil
	})
	return sent.Load(), err
}
