package diff

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/engine"
	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/event"
	"github.com/feedmill/feedmill/internal/manifest"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/predicate"
)

// A result is what a task of the changes phase counted.
type result struct {
	Offers int64        `json:"offers"`
	Feeds  []feedResult `json:"feeds"` // in the order of the plan
}

type feedResult struct {
	FeedReport
	Object   manifest.Object `json:"object"`   // without a name where there are no events but removals
	Gone     manifest.Object `json:"gone"`     // the same of removals
	Digest   string          `json:"digest"`   // of what the events say
	Removals string          `json:"removals"` // the same of the removals alone
}

// changes joins the offers of a partition with the states, and writes how they
// differ.
func (j *job) changes(ctx context.Context, task engine.Task) (err error) {
	won, err := j.choosing(task.Run).Won(ctx, task.Partition)
	if err != nil {
		return err
	}
	var joins []*join
	defer func() {
		for _, k := range joins {
			err = errors.Join(err, k.close())
		}
	}()
	for _, f := range j.plan.feeds {
		k, err := j.newJoin(ctx, task, f)
		if err != nil {
			return err
		}
		if f.choice != nil {
			k.won = won[f.choice.Number]
		}
		joins = append(joins, k)
	}
	out := &result{}
	program := j.plan.program.Again()
	err = j.snapshot.Each(ctx, task.Partition, j.plan.columns, func(batch arrow.RecordBatch, first int64) error {
		out.Offers += batch.NumRows()
		r := program.Run(batch, j.At)
		for _, k := range joins {
			if err := k.batch(batch, first, r); err != nil {
				return fmt.Errorf("event feed %s: %w", k.feed.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range joins {
		counted, err := k.finish()
		if err != nil {
			return fmt.Errorf("event feed %s: %w", k.feed.Name, err)
		}
		out.Feeds = append(out.Feeds, *counted)
	}
	return j.save(ctx, tmpName(task.Run, task.Phase, task.Partition), out)
}

// A join is the full join of a partition of one event feed now and before, both
// in the order of (hash, id).
type join struct {
	*job
	feed             *plannedFeed
	before           *cursor
	won              choose.Rows // where the feed chooses
	task             engine.Task
	ctx              context.Context
	out, gone        outlet // the events, and the removals
	counts           FeedReport
	digest, removals *xxh3.Hasher
	fields           []byte // scratch
	line             []byte // scratch
}

func (j *job) newJoin(ctx context.Context, task engine.Task, f *plannedFeed) (*join, error) {
	before, err := newCursor(ctx, j.states[f.Name], task.Partition, j.snapshot.Partitions())
	return &join{
		job: j, feed: f, before: before, task: task, ctx: ctx, digest: xxh3.New(), removals: xxh3.New(),
		out:  outlet{name: event.Name(task.Run, f.Name, task.Partition)},
		gone: outlet{name: event.RemovedName(task.Run, f.Name, task.Partition)},
	}, err
}

func (k *join) close() error {
	return errors.Join(k.before.close(), k.out.abort(), k.gone.abort())
}

// batch joins the offers that the feed takes.
func (k *join) batch(batch arrow.RecordBatch, first int64, r *eval.Result) error {
	at := k.feed.predicate
	ids := batch.Column(batch.Schema().FieldIndices(offer.Key)[0]).(*array.String)
	k.counts.Undecided += r.Undecided[at]
	k.counts.Errors += r.Errors[at]
	for _, s := range r.Samples[at] {
		k.sample(ids.Value(s.Row), kindOf(s.Outcome), s.Reason)
	}
	takes := r.Selected[at]
	if k.feed.choice != nil {
		takes = k.won.Of(takes, first)
	}
	rows := slices.Collect(takes.All())
	if len(rows) == 0 {
		return nil
	}
	fields, err := k.feed.fields.Columns(k.mem, batch, rows, k.At, func(name string, row int, err error) {
		k.counts.Failed = count(k.counts.Failed, name, 1)
		k.sample(ids.Value(row), "field", name+": "+err.Error())
	})
	if err != nil {
		return err
	}
	defer fields.Release()
	for _, row := range rows {
		k.fields = event.AppendFields(k.fields[:0], fields, row)
		if err := k.offer(ids.Value(row)); err != nil {
			return err
		}
	}
	return nil
}

func kindOf(o predicate.Outcome) string {
	if o == predicate.Failed {
		return "failed"
	}
	return "undecided"
}

// offer joins an offer, whose fields are those in fields.
func (k *join) offer(id string) error {
	k.counts.Items++
	hash := offer.Hash(id)
	for k.before.stands(hash, id) < 0 {
		if err := k.removed(); err != nil {
			return err
		}
	}
	if k.before.stands(hash, id) > 0 {
		k.counts.Added++
		return k.write(event.Added, id, k.fields, nil)
	}
	if err := k.same(hash, id); err != nil {
		return err
	}
	return k.before.next()
}

// same compares an offer with what the destinations have of it.
func (k *join) same(hash uint64, id string) error {
	was := k.before.fields()
	switch {
	case was != string(k.fields):
		changed, err := event.Changes([]byte(was), k.fields)
		if err != nil {
			return fmt.Errorf("offer %s: %w", id, err)
		}
		k.counts.Updated++
		for name := range changed {
			k.counts.Changed = count(k.counts.Changed, name, 1)
		}
		return k.write(event.Updated, id, k.fields, changed)
	case k.feed.due(hash, k.before.sent(), k.At):
		k.counts.Refreshed++
		return k.write(event.Refreshed, id, k.fields, nil)
	default:
		k.counts.Unchanged++
		return nil
	}
}

// removed tells of the offer at the cursor that the feed has no more.
func (k *join) removed() error {
	k.counts.Removed++
	if err := k.write(event.Removed, k.before.id(), []byte(k.before.fields()), nil); err != nil {
		return err
	}
	return k.before.next()
}

func (k *join) write(kind, id string, fields []byte, changed map[string]event.Change) error {
	k.sample(id, kind, "")
	k.line = append(append(append(append(append(k.line[:0], kind...), 0), id...), 0), fields...)
	k.line = append(k.line, '\n')
	_, _ = k.digest.Write(k.line) // a hash takes everything
	if kind == event.Removed {
		_, _ = k.removals.Write(k.line)
	}
	if k.Dry {
		return nil
	}
	data := event.Data{
		Feed: k.feed.Name, Destinations: k.feed.Destinations, Catalog: k.feed.Catalog,
		Version: k.Version, Changed: changed, Fields: fields,
	}
	to := &k.out
	if kind == event.Removed {
		to = &k.gone
	}
	return to.write(k.ctx, k.store, event.New(kind, data, id, k.At))
}

func (k *join) sample(id, kind, reason string) {
	if room(k.counts.Samples, kind) {
		k.counts.Samples = append(k.counts.Samples, Sample{strings.Clone(id), kind, strings.Clone(reason)})
	}
}

// finish joins what is left of the state, and commits the change set.
func (k *join) finish() (out *feedResult, err error) {
	for k.before.valid() {
		if err := k.removed(); err != nil {
			return nil, err
		}
	}
	digest, removals := k.digest.Sum128().Bytes(), k.removals.Sum128().Bytes()
	out = &feedResult{FeedReport: k.counts, Digest: fmt.Sprintf("%x", digest), Removals: fmt.Sprintf("%x", removals)}
	if out.Object, err = k.out.commit(); err != nil {
		return nil, err
	}
	out.Gone, err = k.gone.commit()
	return out, err
}
