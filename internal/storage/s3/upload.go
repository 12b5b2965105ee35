package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

const (
	// partSize is the least that S3 takes for a part that is not the last.
	partSize = 5 << 20
	// growEvery parts their size doubles, since S3 takes 10,000: objects may have
	// 300 GB.
	growEvery = 2000
	// abortTime is how long an Abort whose context has ended may take.
	abortTime = 1500 * time.Millisecond
)

// An upload is a multipart upload with parts under way. Its methods are for one
// goroutine.
type upload struct {
	writer *writer
	id     string
	parts  []*types.CompletedPart
	group  *errgroup.Group
	ctx    context.Context // ends with the first part that fails
	cancel context.CancelFunc
}

// begin begins the upload of a writer's object.
func (w *writer) begin() (*upload, error) {
	input := &s3.CreateMultipartUploadInput{
		Bucket: &w.store.bucket, Key: w.store.key(w.name), Metadata: w.metadata(),
		StorageClass: types.StorageClass(w.store.client.settings.StorageClass),
	}
	input.ServerSideEncryption, input.SSEKMSKeyId = w.store.client.settings.encryption()
	begun, err := w.store.client.api.CreateMultipartUpload(w.ctx, input)
	if err != nil {
		return nil, w.store.failed(w.ctx, "create", w.name, err)
	}
	u := &upload{writer: w, id: aws.ToString(begun.UploadId)}
	ctx, cancel := context.WithCancel(w.ctx)
	u.cancel = cancel
	u.group, u.ctx = errgroup.WithContext(ctx)
	return u, nil
}

// partSize returns the size of the next part.
func (u *upload) partSize() int {
	if u == nil {
		return partSize
	}
	return partSize << (len(u.parts) / growEvery)
}

// send stores a part beside others. It waits while the client has enough of
// them under way, and returns the first error of those before.
func (u *upload) send(data []byte) error {
	uploads := u.writer.store.client.uploads
	select {
	case uploads <- struct{}{}:
	case <-u.ctx.Done():
		return u.failed(context.Cause(u.ctx))
	}
	part := &types.CompletedPart{PartNumber: aws.Int32(int32(len(u.parts) + 1))}
	u.parts = append(u.parts, part)
	u.group.Go(func() error {
		defer func() { <-uploads }()
		return u.store(part, data)
	})
	return nil
}

func (u *upload) store(part *types.CompletedPart, data []byte) error {
	s := u.writer.store
	stored, err := s.client.api.UploadPart(u.ctx, &s3.UploadPartInput{
		Bucket: &s.bucket, Key: s.key(u.writer.name), UploadId: &u.id, PartNumber: part.PartNumber, Body: bytes.NewReader(data),
	})
	if err != nil {
		return fmt.Errorf("part %d: %w", *part.PartNumber, err)
	}
	part.ETag = stored.ETag
	return nil
}

func (u *upload) wait() error {
	if err := u.group.Wait(); err != nil {
		return u.failed(err)
	}
	return nil
}

func (u *upload) failed(err error) error {
	return u.writer.store.failed(u.writer.ctx, "write", u.writer.name, err)
}

func (u *upload) complete() error {
	s := u.writer.store
	parts := make([]types.CompletedPart, len(u.parts))
	for i, part := range u.parts {
		parts[i] = *part
	}
	_, err := s.client.api.CompleteMultipartUpload(u.writer.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: s.key(u.writer.name), UploadId: &u.id, IfNoneMatch: u.writer.condition(),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return err
}

// abort ends the parts under way and removes those that are stored, for a short
// time also when the context has ended.
func (u *upload) abort() error {
	u.cancel()
	_ = u.group.Wait() // they were told to end
	ctx, cancel := u.writer.ctx, func() {}
	if ctx.Err() != nil {
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	}
	defer cancel()
	return u.writer.store.discard(ctx, u.writer.name, u.id)
}

// discard removes the parts of an upload that will not be completed. One that is
// gone is no error.
func (s *Store) discard(ctx context.Context, name, id string) error {
	_, err := s.client.api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: s.key(name), UploadId: &id})
	if err == nil || gone(err) {
		return nil
	}
	return s.failed(ctx, "abort", name, err)
}

func gone(err error) bool {
	missing := (*types.NoSuchUpload)(nil)
	return errors.As(err, &missing) || code(err) == "NoSuchUpload"
}
