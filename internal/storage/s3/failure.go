package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// failed says what we were doing to which object. Where the context has ended
// the error is the context's.
func (s *Store) failed(ctx context.Context, doing, name string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", doing, s.url(name), context.Cause(ctx))
	}
	if missing(err) {
		return &fs.PathError{Op: doing, Path: s.url(name), Err: fs.ErrNotExist}
	}
	return fmt.Errorf("%s %s: %w", doing, s.url(name), err)
}

// missing reports the answer that there is no such object, which is not that
// there is no such bucket.
func missing(err error) bool {
	switch code(err) {
	case "NoSuchKey", "NotFound":
		return true
	}
	return false
}

// code returns the word by which S3 calls an error, such as NoSuchKey.
func code(err error) string {
	if api := (smithy.APIError)(nil); errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// status returns the HTTP status of an answer, 0 where there was none.
func status(err error) int {
	if answer := (*awshttp.ResponseError)(nil); errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

// lost reports the answer that a condition did not hold: the name is taken, or
// somebody else was taking it.
func lost(err error) bool {
	return status(err) == http.StatusPreconditionFailed || status(err) == http.StatusConflict
}

// final reports an answer that says what did not happen, so that nobody need
// look: the request was refused.
func final(err error) bool {
	switch s := status(err); s {
	case http.StatusNotFound, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false // an upload that is gone may have been completed
	default:
		return s >= 400 && s < 500 && !lost(err)
	}
}
