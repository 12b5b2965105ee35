package s3

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/feedmill/feedmill/internal/storage"
)

// List yields objects in the order in which S3 lists keys, which is ours. Keys
// that cannot be names, such as the folder markers of consoles, are left out.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		if err := s.list(ctx, prefix, func(info storage.Info) bool { return yield(info, nil) }); err != nil {
			yield(storage.Info{}, err)
		}
	}
}

// list ends when yield returns false.
func (s *Store) list(ctx context.Context, prefix string, yield func(storage.Info) bool) error {
	if err := storage.CheckPrefix(prefix); err != nil {
		return err
	}
	pages := s3.NewListObjectsV2Paginator(s.client.api, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: s.key(prefix)})
	last := ""
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return s.failed(ctx, "list", prefix, err)
		}
		for _, o := range page.Contents {
			info := s.info(o)
			if info.Name <= last && last != "" {
				return fmt.Errorf("list %s: the server lists %q after %q: its listings are not in order", s.url(prefix), info.Name, last)
			}
			last = info.Name
			if storage.CheckName(info.Name) != nil {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if !yield(info) {
				return nil
			}
		}
	}
	return nil
}

// Folders implements storage.Foldered, with a request for a thousand of them.
func (s *Store) Folders(ctx context.Context, folder string) ([]string, error) {
	if err := storage.CheckPrefix(folder); err != nil {
		return nil, err
	}
	pages := s3.NewListObjectsV2Paginator(s.client.api, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: s.key(folder), Delimiter: aws.String("/")})
	var names []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, s.failed(ctx, "list", folder, err)
		}
		for _, p := range page.CommonPrefixes {
			name := strings.TrimSuffix(strings.TrimPrefix(aws.ToString(p.Prefix), *s.key(folder)), "/")
			if storage.CheckName(name) == nil {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

func (s *Store) info(o types.Object) storage.Info {
	return storage.Info{
		Name:    strings.TrimPrefix(aws.ToString(o.Key), s.prefix),
		Size:    aws.ToInt64(o.Size),
		ModTime: aws.ToTime(o.LastModified),
		ETag:    strings.Trim(aws.ToString(o.ETag), `"`),
	}
}

// Leftovers implements storage.Leaver: uploads that were begun and neither
// completed nor aborted.
func (s *Store) Leftovers(ctx context.Context, prefix string) iter.Seq2[storage.Leftover, error] {
	return func(yield func(storage.Leftover, error) bool) {
		pages := s3.NewListMultipartUploadsPaginator(s.client.api, &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: s.key(prefix)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(storage.Leftover{}, s.failed(ctx, "list the uploads of", prefix, err))
				return
			}
			for _, u := range page.Uploads {
				left, err := s.leftover(ctx, u)
				if gone(err) {
					continue // it has ended since
				}
				if !yield(left, err) || err != nil {
					return
				}
			}
		}
	}
}

// leftover asks for an upload's parts: they say when it was written to last.
func (s *Store) leftover(ctx context.Context, u types.MultipartUpload) (storage.Leftover, error) {
	name := strings.TrimPrefix(aws.ToString(u.Key), s.prefix)
	left := storage.Leftover{
		Name: name, ModTime: aws.ToTime(u.Initiated),
		Discard: func(ctx context.Context) error { return s.discard(ctx, name, aws.ToString(u.UploadId)) },
	}
	pages := s3.NewListPartsPaginator(s.client.api, &s3.ListPartsInput{Bucket: &s.bucket, Key: u.Key, UploadId: u.UploadId})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return left, s.failed(ctx, "list the parts of", name, err)
		}
		for _, part := range page.Parts {
			left.Size += aws.ToInt64(part.Size)
			left.ModTime = later(left.ModTime, aws.ToTime(part.LastModified))
		}
	}
	return left, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
