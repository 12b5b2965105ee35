package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/feedmill/feedmill/internal/storage"
)

// firstBytes are read when an object is opened, so that small objects cost one
// request.
const firstBytes = 64 << 10

// An object is open for as long as the context of its Open.
type object struct {
	ctx   context.Context
	store *Store
	name  string
	etag  string // the version that is read
	size  int64
	first []byte // its beginning
}

// Open reads the beginning of an object.
func (s *Store) Open(ctx context.Context, name string) (storage.Object, error) {
	if err := check(ctx, name); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		o := &object{ctx: ctx, store: s, name: name}
		err := o.begin()
		if err == nil {
			return o, nil
		}
		if !again(ctx, err, try) {
			return nil, s.failed(ctx, "open", name, err)
		}
	}
}

func (o *object) begin() error {
	answer, err := o.get(0, firstBytes)
	if status(err) == http.StatusRequestedRangeNotSatisfiable {
		return o.beginEmpty()
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	o.etag = aws.ToString(answer.ETag)
	if o.size, err = sizeOf(answer); err != nil {
		return err
	}
	o.first = make([]byte, min(o.size, firstBytes))
	_, err = io.ReadFull(answer.Body, o.first)
	return err
}

// beginEmpty asks for the size of what has no first byte.
func (o *object) beginEmpty() error {
	head, err := o.store.client.api.HeadObject(o.ctx, &s3.HeadObjectInput{Bucket: &o.store.bucket, Key: o.store.key(o.name)})
	if err != nil {
		return err
	}
	o.etag, o.size = aws.ToString(head.ETag), aws.ToInt64(head.ContentLength)
	return nil
}

// sizeOf returns the size of the object of which a range was asked: a server may
// send all of it.
func sizeOf(answer *s3.GetObjectOutput) (int64, error) {
	if answer.ContentRange == nil {
		return aws.ToInt64(answer.ContentLength), nil
	}
	_, size, _ := strings.Cut(*answer.ContentRange, "/")
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("content range %q: %w", *answer.ContentRange, err)
	}
	return n, nil
}

// get asks for n bytes, of the version that was opened if one was.
func (o *object) get(offset, n int64) (*s3.GetObjectOutput, error) {
	part := fmt.Sprintf("bytes=%d-%d", offset, offset+n-1)
	return o.store.client.api.GetObject(o.ctx, &s3.GetObjectInput{
		Bucket: &o.store.bucket, Key: o.store.key(o.name), Range: &part, IfMatch: optional(o.etag),
	})
}

func (o *object) Size() int64 { return o.size }

func (o *object) Close() error { return nil }

// ReadAt reads on from where a connection was cut.
func (o *object) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, fmt.Errorf("read %s at %d: negative offset", o.store.url(o.name), offset)
	}
	if err := o.ctx.Err(); err != nil {
		return 0, o.store.failed(o.ctx, "read", o.name, err)
	}
	wanted := p[:max(0, min(int64(len(p)), o.size-offset))]
	n := 0
	if offset < int64(len(o.first)) {
		n = copy(wanted, o.first[offset:])
	}
	if err := o.fill(wanted[n:], offset+int64(n)); err != nil {
		return n, o.store.failed(o.ctx, "read", o.name, err)
	}
	if len(wanted) < len(p) {
		return len(wanted), io.EOF
	}
	return len(p), nil
}

func (o *object) fill(p []byte, offset int64) error {
	for try := 1; len(p) > 0; try++ {
		n, err := o.read(p, offset)
		if n > 0 {
			try = 0 // there is progress
		}
		p, offset = p[n:], offset+int64(n)
		if err != nil && len(p) > 0 && !again(o.ctx, err, try) {
			return err
		}
	}
	return nil
}

// read reads what one request gives.
func (o *object) read(p []byte, offset int64) (int, error) {
	answer, err := o.get(offset, int64(len(p)))
	if err != nil {
		if status(err) == http.StatusPreconditionFailed {
			return 0, fmt.Errorf("it was replaced while it was read: %w", err)
		}
		return 0, err
	}
	defer answer.Body.Close()
	if answer.ContentRange == nil && offset > 0 {
		return 0, errors.New("the server does not send ranges")
	}
	return io.ReadFull(answer.Body, p)
}

// again waits before another try of what the SDK does not repeat: the body of an
// answer was cut. An answer that is an error was repeated by the SDK.
func again(ctx context.Context, err error, try int) bool {
	if status(err) != 0 || code(err) != "" || try >= attempts {
		return false
	}
	pause := time.NewTimer(min(maxBackoff, time.Duration(try*try)*50*time.Millisecond))
	defer pause.Stop()
	select {
	case <-pause.C:
		return true
	case <-ctx.Done():
		return false
	}
}
