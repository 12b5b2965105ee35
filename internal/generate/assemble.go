package generate

import (
	"fmt"
	"slices"
	"time"

	"github.com/feedmill/feedmill/internal/guard"
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
// many times twice that as it takes. It is 0 when even a file for each partition
// passes a limit.
func (b *bundle) spread(t *template.Template, before int) (int, error) {
	limits := b.feed.Limits
	if !limits.Numbered() {
		return 1, nil
	}
	for n := min(max(before, 1), len(b.pieces)); n <= len(b.pieces); n *= 2 {
		files, err := b.files(t, n, time.Time{})
		if err != nil {
			return 0, err
		}
		if !slices.ContainsFunc(files, func(f *part.File) bool {
			return limits.Items > 0 && f.Items > limits.Items || limits.Bytes > 0 && f.Size() > limits.Bytes
		}) {
			return n, nil
		}
	}
	return 0, nil
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

// overLimit holds a feed of which one partition passes a limit.
func overLimit(f *plannedFeed, items int64) guard.Verdict {
	text := fmt.Sprintf("one partition has more than a file of %s may hold (%d items, %d bytes): raise `partitions`", f.Name, f.Limits.Items, f.Limits.Bytes)
	return guard.Verdict{Verdict: guard.Hold, Reasons: []guard.Reason{{Check: "limits", Is: items, Text: text}}}
}
