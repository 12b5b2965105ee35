// Package s3 keeps objects in a bucket of S3 or of a server that speaks it.
//
// Its promise: an object is visible when it is complete, of several exclusive
// writers one wins, and a lost answer, a cut connection or a server that
// restarts is an error only when it lasts, never another outcome.
//
// Exclusive rests on If-None-Match: *, of PutObject and CompleteMultipartUpload;
// a server that ignores it cannot be used. Every object carries a word of its
// writer's in its metadata, by which a writer whose answer was lost finds out
// whether the object is its own.
//
// Small objects are one PUT. From partSize on it is a multipart upload, whose
// parts are held in memory until they are stored: partSize for each writer and
// partSize for each of few that are under way. An upload that its writer leaves
// is a Leftover.
//
// Whoever reads an object that is replaced by other bytes, or removed, gets an
// error, never a mix; what Open read, the first bytes, stays readable.
package s3

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/feedmill/feedmill/internal/storage"
)

// A Store is the objects of a bucket whose keys begin with a prefix.
type Store struct {
	client *Client
	bucket string
	prefix string // empty, or ends in a slash
}

var (
	_ storage.Store  = (*Store)(nil)
	_ storage.Leaver = (*Store)(nil)
)

// Store returns the store at s3://bucket/prefix. It sends nothing.
func (c *Client) Store(url string) (*Store, error) {
	place, ok := strings.CutPrefix(url, "s3://")
	bucket, prefix, _ := strings.Cut(place, "/")
	if !ok || bucket == "" {
		return nil, fmt.Errorf("open %s: s3://bucket/prefix is meant", url)
	}
	prefix = strings.Trim(prefix, "/")
	if prefix != "" {
		if err := storage.CheckName(prefix); err != nil {
			return nil, fmt.Errorf("open %s: %w", url, err)
		}
		prefix += "/"
	}
	return &Store{client: c, bucket: bucket, prefix: prefix}, nil
}

func (s *Store) key(name string) *string {
	key := s.prefix + name
	return &key
}

// url names an object in errors.
func (s *Store) url(name string) string { return "s3://" + s.bucket + "/" + s.prefix + name }

func check(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return storage.CheckName(name)
}

// Remove removes an object.
func (s *Store) Remove(ctx context.Context, name string) error {
	if err := check(ctx, name); err != nil {
		return err
	}
	_, err := s.client.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: s.key(name)})
	if err == nil || missing(err) {
		return nil
	}
	return s.failed(ctx, "remove", name, err)
}
