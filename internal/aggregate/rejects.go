package aggregate

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/feedmill/feedmill/internal/source"
	"github.com/feedmill/feedmill/internal/storage"
)

// rejectsOf is the folder of the rows that a run rejected of a source, those that
// came too late in a folder of their own below it.
func rejectsOf(run, src string) string { return "rejects/" + run + "/" + src }

// A rejectWriter keeps the rejected rows of one task under rejects/, one JSON
// object a line. It makes no object when there is nothing to keep.
type rejectWriter struct {
	store  storage.Store
	name   string
	object storage.Writer
	buffer *bufio.Writer
	err    error
}

func newRejectWriter(store storage.Store, run, src string, task int) *rejectWriter {
	return &rejectWriter{store: store, name: fmt.Sprintf("%s/%05d.jsonl", rejectsOf(run, src), task)}
}

// write keeps a row; its error is returned by commit.
func (r *rejectWriter) write(ctx context.Context, j source.Reject) {
	if r.object == nil && r.err == nil {
		if r.object, r.err = r.store.Create(ctx, r.name, storage.Replace); r.err == nil {
			r.buffer = bufio.NewWriter(r.object)
		}
	}
	if r.err == nil {
		r.err = json.NewEncoder(r.buffer).Encode(j)
	}
}

func (r *rejectWriter) commit() error {
	if r.err == nil && r.object != nil {
		r.err = r.buffer.Flush()
	}
	if r.err == nil && r.object != nil {
		r.err = r.object.Commit()
	}
	if r.err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", r.name, r.err), r.abort())
	}
	return nil
}

func (r *rejectWriter) abort() error {
	if r.object == nil {
		return nil
	}
	return r.object.Abort()
}

// describeReject is a rejected row in one line.
func describeReject(j source.Reject) string {
	at := fmt.Sprintf("%s row %d", j.File, j.Row)
	if j.Line > 0 {
		at = fmt.Sprintf("%s:%d", j.File, j.Line)
	}
	if j.Place != "" {
		at += ": " + j.Place
	}
	return at + ": " + j.Reason
}
