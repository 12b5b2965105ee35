package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/feedmill/feedmill/internal/storage"
)

// ownerKey is the metadata that says whose an object is.
const ownerKey = "feedmill-writer"

// Create begins an object. It sends nothing, so a taken name is found at Commit.
func (s *Store) Create(ctx context.Context, name string, mode storage.Mode) (storage.Writer, error) {
	if err := check(ctx, name); err != nil {
		return nil, err
	}
	return &writer{ctx: ctx, store: s, name: name, mode: mode, owner: rand.Text()}, nil
}

type writer struct {
	ctx    context.Context
	store  *Store
	name   string
	mode   storage.Mode
	owner  string // a word that no other writer has
	buffer []byte // what is not under way, less than a part
	upload *upload
	err    error // of a write
	ended  bool
}

func (w *writer) Write(p []byte) (int, error) {
	if w.ended {
		return 0, &fs.PathError{Op: "write", Path: w.store.url(w.name), Err: fs.ErrClosed}
	}
	n := 0
	for w.err == nil && n < len(p) {
		n += w.take(p[n:])
	}
	return n, w.err
}

// take takes as much as the part has room for.
func (w *writer) take(p []byte) int {
	if w.err = w.ctx.Err(); w.err != nil {
		return 0
	}
	size := w.upload.partSize()
	p = p[:min(len(p), size-len(w.buffer))]
	w.buffer = append(w.buffer, p...)
	if len(w.buffer) == size {
		w.err = w.send()
	}
	return len(p)
}

// send lets a part go its way.
func (w *writer) send() error {
	if w.upload == nil {
		u, err := w.begin()
		if err != nil {
			return err
		}
		w.upload = u
	}
	part := w.buffer
	w.buffer = nil
	return w.upload.send(part)
}

// Commit stores the object. An error of a lost answer is settled by looking.
func (w *writer) Commit() error {
	if w.ended {
		return &fs.PathError{Op: "commit", Path: w.store.url(w.name), Err: fs.ErrClosed}
	}
	if err := w.commit(); err != nil {
		return errors.Join(err, w.Abort())
	}
	w.ended = true
	return nil
}

func (w *writer) commit() error {
	if w.err != nil {
		return fmt.Errorf("commit %s after a failed write: %w", w.store.url(w.name), w.err)
	}
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if w.upload == nil {
		return w.settle(w.put())
	}
	if len(w.buffer) > 0 {
		if err := w.send(); err != nil {
			return err
		}
	}
	if err := w.upload.wait(); err != nil {
		return err
	}
	return w.settle(w.upload.complete())
}

func (w *writer) put() error {
	input := &s3.PutObjectInput{
		Bucket: &w.store.bucket, Key: w.store.key(w.name), Body: bytes.NewReader(w.buffer),
		IfNoneMatch: w.condition(), Metadata: w.metadata(),
		StorageClass: types.StorageClass(w.store.client.settings.StorageClass),
	}
	input.ServerSideEncryption, input.SSEKMSKeyId = w.store.client.settings.encryption()
	_, err := w.store.client.api.PutObject(w.ctx, input)
	return err
}

// condition is that nobody has the name.
func (w *writer) condition() *string {
	if w.mode == storage.Exclusive {
		return aws.String("*")
	}
	return nil
}

func (w *writer) metadata() map[string]string { return map[string]string{ownerKey: w.owner} }

// settle says what a commit came to. A request that was repeated because its
// answer was lost may meet its own work: the condition does not hold, the upload
// is gone.
func (w *writer) settle(err error) error {
	if err == nil {
		return nil
	}
	if w.ctx.Err() != nil || final(err) {
		return w.store.failed(w.ctx, "commit", w.name, err)
	}
	found, mine, headErr := w.look()
	switch {
	case mine:
		return nil
	case w.mode == storage.Exclusive && (found || lost(err)):
		return &fs.PathError{Op: "create", Path: w.store.url(w.name), Err: fs.ErrExist}
	}
	return fmt.Errorf("commit %s: %w", w.store.url(w.name), errors.Join(err, headErr))
}

// look reports whether the object is there, and whether this writer wrote it.
func (w *writer) look() (found, mine bool, err error) {
	head, err := w.store.client.api.HeadObject(w.ctx, &s3.HeadObjectInput{Bucket: &w.store.bucket, Key: w.store.key(w.name)})
	if status(err) == http.StatusNotFound {
		return false, false, nil
	}
	if err != nil {
		return false, false, w.store.failed(w.ctx, "look at", w.name, err)
	}
	return true, head.Metadata[ownerKey] == w.owner, nil
}

// Abort leaves nothing behind; what cannot be removed is a Leftover.
func (w *writer) Abort() error {
	if w.ended {
		return nil
	}
	w.ended = true
	w.buffer = nil
	if w.upload == nil {
		return nil
	}
	return w.upload.abort()
}
