package generate

import (
	"fmt"
	"slices"
	"time"

	"github.com/feedmill/feedmill/internal/part"
	"github.com/feedmill/feedmill/internal/template"
)

// A bundle is what a feed is made of: its pieces, by partition.
type bundle struct {
	feed    *plannedFeed
	objects []part.Object
	pieces  [][]part.Piece
	items   part.Digest
	count   int64
}

// bundleOf collects a feed's segments out of the parts of its rendering.
func bundleOf(f *plannedFeed, parts []*part.Part) *bundle {
	b := &bundle{feed: f, pieces: make([][]part.Piece, len(parts))}
	for i, p := range parts {
		segments := p.Feed(f.number)
		if len(segments) == 0 {
			continue
		}
		for _, s := range segments {
			b.pieces[i] = append(b.pieces[i], part.Piece{Object: len(b.objects), Segment: s})
			b.items.Join(s.Digest)
			b.count += s.Items
		}
		b.objects = append(b.objects, part.Object{Name: p.Name, Size: p.Size})
	}
	return b
}

// files divides a bundle into a number of files, each of as many partitions, and
// renders their headers and footers.
func (b *bundle) files(t *template.Template, n int, updated time.Time) ([]*part.File, error) {
	out := make([]*part.File, n)
	width := len(b.pieces) / n
	for i := range out {
		file := &part.File{Name: b.feed.Name, Pieces: slices.Concat(b.pieces[i*width : (i+1)*width]...)}
		if b.feed.Limits.Numbered() {
			file.Name = fmt.Sprintf("%s-%d", b.feed.Name, i+1)
		}
		for _, p := range file.Pieces {
			file.Items += p.Items
		}
		about := template.Feed{Name: b.feed.Name, Items: file.Items, Updated: updated}
		var err error
		if file.Header, err = t.Header(about, b.feed.Params); err != nil {
			return nil, err
		}
		if file.Footer, err = t.Footer(about, b.feed.Params); err != nil {
			return nil, err
		}
		out[i] = file
	}
	return out, nil
}

// spread returns the number of files that a feed needs: that of before, or as
// many times twice that as it takes. A partition is never divided, so that one
// which passes a limit alone is an error.
func (b *bundle) spread(t *template.Template, before int) (int, error) {
	limits := b.feed.Limits
	if !limits.Numbered() {
		return 1, nil
	}
	for n := min(max(before, 1), len(b.pieces)); ; n *= 2 {
		files, err := b.files(t, n, time.Time{})
		if err != nil {
			return 0, err
		}
		over := slices.IndexFunc(files, func(f *part.File) bool {
			return limits.Items > 0 && f.Items > limits.Items || limits.Bytes > 0 && f.Size() > limits.Bytes
		})
		switch {
		case over < 0:
			return n, nil
		case n == len(b.pieces):
			return 0, b.overLimit(over, files[over])
		}
	}
}

// overLimit says that the file of a single partition passes a limit.
func (b *bundle) overLimit(partition int, f *part.File) error {
	is, limit, what := f.Items, b.feed.Limits.Items, "items"
	if limit == 0 || is <= limit {
		is, limit, what = f.Size(), b.feed.Limits.Bytes, "bytes"
	}
	return fmt.Errorf("feed %s: partition %d alone has %d %s, more than the %d that `limits` allows a file: raise `partitions` of feedmill.yaml, aggregate and generate again",
		b.feed.Name, partition, is, what, limit)
}

// content digests the feed as it would be without the time of its last change.
func (b *bundle) content(t *template.Template, n int) (part.Digest, error) {
	files, err := b.files(t, n, time.Time{})
	if err != nil {
		return part.Digest{}, err
	}
	var frames [][]byte
	for _, f := range files {
		frames = append(frames, f.Header, f.Footer)
	}
	return part.ContentDigest(b.items, b.count, frames...), nil
}
